import { describe, expect, it } from "vitest";
import { createRecaptchaVerifier } from "./recaptcha.ts";

function verifierWith(answer: () => Response | Promise<Response>, keys = { siteKey: "site", secretKey: "secret" }) {
  const sent: { url: string; body: string }[] = [];
  const verify = createRecaptchaVerifier({
    ...keys,
    fetch: async (url, init) => {
      sent.push({ url: String(url), body: String(init?.body) });
      return answer();
    },
  });
  return { verify, sent };
}

describe("createRecaptchaVerifier", () => {
  it("sends secret and token as a form", async () => {
    const { verify, sent } = verifierWith(() => Response.json({ success: true, score: 0.9 }));
    expect(await verify("a token", 0.5)).toBe(true);
    expect(sent).toEqual([{ url: "https://www.google.com/recaptcha/api/siteverify", body: "secret=secret&response=a+token" }]);
  });

  it.each([
    [{ success: true, score: 0.5 }, true],
    [{ success: true, score: 0.4 }, false],
    [{ success: true }, true],
    [{ success: false, score: 0.9 }, false],
    [{ score: 0.9 }, false],
  ])("judges %j against the threshold 0.5 as %s", async (verdict, expected) => {
    expect(await verifierWith(() => Response.json(verdict)).verify("t", 0.5)).toBe(expected);
  });

  it("lets nobody in when Google fails or answers something else", async () => {
    expect(await verifierWith(() => Response.json({ success: true }, { status: 500 })).verify("t", 0.5)).toBe(false);
    expect(await verifierWith(() => new Response("<html>")).verify("t", 0.5)).toBe(false);
    expect(await verifierWith(() => Promise.reject(new Error("timeout"))).verify("t", 0.5)).toBe(false);
  });

  it("lets nobody in and asks nobody without both keys", async () => {
    let asked = 0;
    const fetch = async () => Response.json({ success: true, asked: ++asked });
    expect(await createRecaptchaVerifier({ siteKey: "site", secretKey: undefined, fetch })("t", 0.1)).toBe(false);
    expect(await createRecaptchaVerifier({ siteKey: undefined, secretKey: "secret", fetch })("t", 0.1)).toBe(false);
    expect(asked).toBe(0);
  });
});
