/** The extension of a file name, lower-case and without the dot: one to twenty ASCII letters or digits. Else null. */
export function fileExtension(fileName: string): string | null {
  const extension = /\.([A-Za-z0-9]{1,20})$/.exec(fileName)?.[1];
  return extension === undefined ? null : extension.toLowerCase();
}
