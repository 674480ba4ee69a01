/** Whether PostgreSQL and JSON can hold the text: no NUL character and no unpaired surrogate. */
export const isStorableText = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed();
