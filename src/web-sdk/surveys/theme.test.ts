import { describe, expect, it } from "vitest";
import { arrangementOf, buildTheme, contrast, onColor, readable } from "./theme.ts";

describe("buildTheme", () => {
  it("gives numbers their unit, and leaves CSS alone", () => {
    const { variables } = buildTheme({ roundness: 8, buttonHeight: "3rem", buttonFontWeight: "700", inputHeight: "40" }, false);
    expect(variables).toMatchObject({
      "--mo-roundness": "8px",
      "--mo-button-height": "3rem",
      "--mo-button-font-weight": "700",
      "--mo-input-height": "40px",
    });
  });

  it("uses dark colours only where the survey has a dark mode and the system asks for it", () => {
    const brandColor = { light: "#111111", dark: "#eeeeee" };
    const brandOf = (styling: Record<string, unknown>, prefersDark: boolean) =>
      buildTheme(styling, prefersDark).variables["--mo-brand-color"];
    expect(brandOf({ brandColor, isDarkModeEnabled: true }, true)).toBe("#eeeeee");
    expect(brandOf({ brandColor, isDarkModeEnabled: true }, false)).toBe("#111111");
    expect(brandOf({ brandColor }, true)).toBe("#111111");
  });

  it("understands the names from before there were several colours", () => {
    const { variables } = buildTheme({ questionColor: { light: "#123456" }, inputColor: { light: "#fafafa" } }, false);
    expect(variables).toMatchObject({ "--mo-element-headline-color": "#123456", "--mo-input-bg-color": "#fafafa" });
  });

  it("writes light on a dark card", () => {
    expect(buildTheme({ cardBackgroundColor: { light: "#101010" } }, false).variables["--mo-text"]).toBe("#f3f4f6");
  });

  it("passes over what is no colour", () => {
    expect(buildTheme({ brandColor: { light: "url(x)" }, inputBgColor: "red" }, false).variables).not.toHaveProperty(
      "--mo-input-bg-color",
    );
  });
});

describe("readable and onColor", () => {
  it.each(["#ffeb3b", "#2f5bd8", "#000000", "#0f0"])("make %s readable on white and black, and text readable on it", (color) => {
    for (const background of ["#ffffff", "#000000"])
      expect(contrast(readable(color, background), background)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(onColor(color), color)).toBeGreaterThanOrEqual(4.5);
  });
});

describe("arrangementOf", () => {
  it("is that of the survey's type, straight where the styling has none it knows", () => {
    const cardArrangement = { appSurveys: "casual", linkSurveys: "cardless" };
    expect([arrangementOf({ cardArrangement }, "app"), arrangementOf({ cardArrangement }, "link")]).toEqual([
      "casual",
      "cardless",
    ]);
    for (const styling of [{}, { cardArrangement: null }, { cardArrangement: { appSurveys: "askew" } }])
      expect(arrangementOf(styling, "app")).toBe("straight");
  });

  it("has a card under every survey in an app", () => {
    expect(arrangementOf({ cardArrangement: { appSurveys: "cardless" } }, "app")).toBe("simple");
  });
});
