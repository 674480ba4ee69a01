import { describe, expect, it } from "vitest";
import {
  type OrganizationRole,
  requireRoleAssignment,
  requireUserAccess,
  requireUserManagement,
  type UserManagementMinimumRole,
} from "./user-management.ts";

const allowed = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ kind: "forbidden" });
    return false;
  }
};

describe("requireUserManagement", () => {
  it.each<[OrganizationRole | null, UserManagementMinimumRole, boolean]>([
    ["owner", "owner", true],
    ["owner", "manager", true],
    ["owner", "disabled", false],
    ["manager", "owner", false],
    ["manager", "manager", true],
    ["manager", "disabled", false],
    ["member", "manager", false],
    ["billing", "manager", false],
    [null, "manager", false],
  ])("decides for a creator who is %s with the minimum %s: %s", (role, minimum, expected) => {
    expect(allowed(() => requireUserManagement(role, minimum))).toBe(expected);
  });
});

describe("requireRoleAssignment", () => {
  it.each<[OrganizationRole | null, OrganizationRole, boolean]>([
    ["owner", "owner", true],
    ["manager", "member", true],
    ["manager", "manager", false],
    ["manager", "owner", false],
    [null, "owner", true],
  ])("decides for a creator who is %s giving the role %s: %s", (creator, role, expected) => {
    expect(allowed(() => requireRoleAssignment(creator, role))).toBe(expected);
  });
});

describe("requireUserAccess", () => {
  it.each<[OrganizationRole | null, OrganizationRole, boolean]>([
    ["owner", "owner", true],
    ["manager", "owner", false],
    ["manager", "manager", true],
    [null, "owner", true],
  ])("decides for a creator who is %s changing a user who is %s: %s", (creator, role, expected) => {
    expect(allowed(() => requireUserAccess(creator, role))).toBe(expected);
  });
});
