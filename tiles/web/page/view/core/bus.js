// What happens on the page, by name: items of the live stream, and wishes that parts have of each other.
//
//   event, order, notice, device, value, edition, reset, lagging   items of the stream: their data, with `seq`
//   fly      {at: [lon, lat], zoom?, pin?}   show a place, with a pin on it
//   healed   nothing                      the stream is back after it was lost: what failed meanwhile is asked anew
//   linked   {at, zoom}                   the address has led to a card, whose thing is there
//   refit    nothing                      the chosen area has another room to stand in
//   toast    {text, grave?}               say something in passing
//   clicked  {code, name, level}          an area was clicked
//   moved    {west, south, east, north, zoom}   the map shows another piece

/** @typedef {(data: any) => void} Call */

export class Bus {
  constructor() {
    /** @type {Map<string, Set<Call>>} */ this.calls = new Map();
  }

  /** Call whenever something of a name happens; gives a function that ends it. @param {string} name @param {Call} call */
  on(name, call) {
    const calls = this.calls.get(name) ?? new Set();
    this.calls.set(name, calls.add(call));
    return () => void calls.delete(call);
  }

  /** Tell that something happened. @param {string} name @param {any} [data] */
  tell(name, data) {
    for (const call of [...(this.calls.get(name) ?? [])]) call(data);
  }
}
