/**
 * A number that was sent as an id, as the decimal text that other callers send for it: `String` would write large ones
 * with an exponent.
 */
export const idText = (id: number): string => (Number.isInteger(id) ? BigInt(id).toString() : String(id));
