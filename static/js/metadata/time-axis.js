/* Times on a horizontal axis: as exact as the ticks need, on the 24-hour clock, in the browser's time zone. */

const DAY = 86400;
const two = (number) => String(number).padStart(2, "0");
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

/* seconds since 1970 -> "15:04", "15:04:05", "15:04:05.250" or "Mar 4", for ticks that are `step` seconds apart. */
export function tickTime(seconds, step) {
  const at = new Date(seconds * 1000);
  const minute = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (step >= DAY || (step >= 3600 && minute === "00:00")) return day.format(at);
  if (step >= 60) return minute;
  const second = `${minute}:${two(at.getSeconds())}`;
  return step >= 1 ? second : `${second}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

export const exactTick = (seconds) => (seconds === null || seconds === undefined ? "–" : `${day.format(new Date(seconds * 1000))}, ${tickTime(seconds, 1)}`);
