/** The attribute keys that every environment starts with; all are of type default and hold strings. Source: client-api §3. */
export const DEFAULT_ATTRIBUTE_KEYS = [
  { key: "userId", name: "User Id", isUnique: true },
  { key: "email", name: "Email", isUnique: true },
  { key: "firstName", name: "First Name", isUnique: false },
  { key: "lastName", name: "Last Name", isUnique: false },
  { key: "language", name: "Language", isUnique: false },
] as const;
