/** Content codings, in the order in which they are preferred. */
const ENCODINGS = ["br", "gzip"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * The coding to answer in, by `Accept-Encoding` (RFC 9110 §12.5.3): the one of the greatest weight, of equal ones the
 * smaller body. Null is no coding: nothing else is accepted, or nothing is said.
 */
export function chooseEncoding(header: string | undefined): Encoding | null {
  if (header === undefined) return null;
  const weights = parseWeights(header);
  let best: { encoding: Encoding | null; weight: number } = { encoding: null, weight: weights.get("identity") ?? 0 };
  for (const encoding of ENCODINGS.toReversed()) {
    const weight = weights.get(encoding) ?? weights.get("*") ?? 0;
    if (weight > 0 && weight >= best.weight) best = { encoding, weight };
  }
  return best.encoding;
}

function parseWeights(header: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(",")) {
    const [coding = "", ...parameters] = part.split(";").map((text) => text.trim());
    const weight = parameters.find((text) => text.startsWith("q="));
    if (coding !== "") weights.set(coding, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  return weights;
}
