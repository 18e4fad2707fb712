/* An exponential moving average that does not start at zero. Pure.

   Each point counts 1 - weight, what came before counts weight; the sum is divided by the weights so far, so that the
   beginning of the line lies among its first points. Missing values stay missing. */

export function smooth(values, weight) {
  if (!(weight > 0)) return values;
  let mean = 0;
  let share = 0;
  return values.map((value) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return value;
    mean = mean * weight + value * (1 - weight);
    share = share * weight + (1 - weight);
    return mean / share;
  });
}
