/** `favorite_color` → `Favorite Color`: the display name of a key that was given none. */
export const nameOfAttributeKey = (key: string): string =>
  key
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
