// The time as the service has it: a tablet's own clock may be wrong by minutes, and limits are minutes.

let ahead = 0;

/** Take the time that the service has told, RFC 3339. @param {string | undefined} told */
export function keepTime(told) {
  if (told) ahead = Date.parse(told) - Date.now();
}

/** Milliseconds since 1970 by the service's clock. */
export const now = () => Date.now() + ahead;
