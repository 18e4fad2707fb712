/* Times of log lines: microseconds since 1970, shown in the browser's time zone or since the start of the run. */

const two = (number) => String(number).padStart(2, "0");
const three = (number) => String(number).padStart(3, "0");

export function clockTime(microseconds) {
  const at = new Date(microseconds / 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${three(at.getMilliseconds())}`;
}

/* "+1:02:03.456" since `start`; what came before it is negative. */
export function elapsedTime(microseconds, start) {
  const sign = microseconds < start ? "-" : "+";
  const total = Math.abs(microseconds - start) / 1000;
  const seconds = Math.floor(total / 1000);
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${three(Math.floor(total % 1000))}`;
  const hours = Math.floor(seconds / 3600);
  return `${sign}${hours ? `${hours}:` : ""}${clock}`;
}

/* "2026-03-04 15:16:17.123456 UTC+02:00" */
export function exactTime(microseconds) {
  const at = new Date(microseconds / 1000);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${clockTime(microseconds)}${three(Math.floor(microseconds % 1000))} ${offsetName(at)}`;
}

export function offsetName(at = new Date()) {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
