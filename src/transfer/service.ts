/** Environments and organizations as lines of JSON, for other programs and other installations. */
export { type ExportScope, exportLines, TransferError } from "./export.ts";
export { type ImportReport, importLines } from "./import.ts";
