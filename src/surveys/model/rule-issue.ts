/** A broken rule and where: the path is that of the input, in the generation it came in. */
export interface RuleIssue {
  path: Path;
  message: string;
}
export type Path = readonly (string | number)[];
export type Report = (path: Path, message: string) => void;
