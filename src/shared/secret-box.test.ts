import { expect, test } from "vitest";
import { createSecretBox } from "./secret-box.ts";

const [OLD, NEW] = ["an old encryption key of 32 characters", "a new encryption key of 32 characters"];

test("a box opens what it sealed, and no two seals of one secret are alike", () => {
  const box = createSecretBox(OLD);
  const [one, other] = [box.seal("secret"), box.seal("secret")];
  expect([box.open(one), box.open(other)]).toEqual(["secret", "secret"]);
  expect(one).not.toBe(other);
  expect(one).not.toContain("secret");
});

test("a box with previous keys opens what they sealed, and seals with the present one", () => {
  const sealed = createSecretBox(OLD).seal("secret");
  const box = createSecretBox(NEW, [OLD]);
  expect(box.open(sealed)).toBe("secret");
  expect(sealed.startsWith(box.prefix)).toBe(false);
  expect(createSecretBox(NEW).open(box.seal("secret"))).toBe("secret");
});

test("a box without the key does not open, nor does it open what was altered", () => {
  const sealed = createSecretBox(OLD).seal("secret");
  expect(() => createSecretBox(NEW).open(sealed)).toThrow("another encryption key");
  const at = sealed.length - 3;
  const altered = `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
  expect(() => createSecretBox(OLD).open(altered)).toThrow();
});
