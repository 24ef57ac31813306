// The time as the service has it: a tablet's own clock may be wrong by minutes, and limits are minutes.

let ahead = 0;

/** Take the service's time from the page's settings. @param {{now?: string}} config */
export function keepTime(config) {
  if (config?.now) ahead = Date.parse(config.now) - Date.now();
}

/** Milliseconds since 1970 by the service's clock. */
export const now = () => Date.now() + ahead;
