import { describe, expect, it } from "vitest";
import { createUnsentAnswers, type Unsent } from "./unsent-answers.ts";

const unsent: Unsent = {
  appUrl: "https://acme.test",
  environmentId: "env",
  generation: "v2",
  displayId: "d",
  responseId: null,
  response: { surveyId: "s" },
  pinAuthToken: null,
  update: {
    finished: true,
    data: { a: "1", b: ["x"], c: { r: "y" }, d: 4 },
    ttc: { a: 1.5 },
    variables: { n: 1 },
    language: "de-DE",
    endingId: "e",
  },
};

function startStore(stored: string | null = null) {
  let item = stored;
  let time = 1_000_000_000;
  const storage = {
    getItem: () => item,
    setItem: (_key: string, value: string) => {
      item = value;
    },
    removeItem: () => {
      item = null;
    },
  };
  const wait = (ms: number) => {
    time += ms;
  };
  return { answers: createUnsentAnswers({ storage, now: () => time }), wait, item: () => item };
}

describe("createUnsentAnswers", () => {
  it("gives a later page what is left, once and unchanged", () => {
    const { answers, wait, item } = startStore();
    answers.keep("one", unsent);
    wait(121_000);
    expect([answers.takeLeft(), answers.takeLeft(), item()]).toEqual([[unsent], [], null]);
  });

  it("leaves what another page may be sending", () => {
    const { answers, wait } = startStore();
    answers.keep("one", unsent);
    wait(60_000);
    expect(answers.takeLeft()).toEqual([]);
  });

  it("forgets what was accepted, and what is older than a week", () => {
    const { answers, wait, item } = startStore();
    answers.keep("one", unsent);
    answers.keep("one", null);
    expect(item()).toBeNull();
    answers.keep("two", unsent);
    wait(8 * 24 * 3_600_000);
    expect([answers.takeLeft(), item()]).toEqual([[], null]);
  });

  it.each(["no JSON", "[]", '{"x":1}', '{"x":{"at":0,"unsent":{"update":{},"response":{}}}}'])(
    "reads nothing from %s",
    (stored) => {
      expect(startStore(stored).answers.takeLeft()).toEqual([]);
    },
  );

  it("does without a storage, or with one that refuses", () => {
    const refusing = {
      getItem: () => {
        throw new Error("denied");
      },
      setItem: () => {
        throw new Error("denied");
      },
      removeItem: () => {},
    };
    for (const storage of [undefined, refusing]) {
      const answers = createUnsentAnswers({ storage, now: () => 0 });
      answers.keep("one", unsent);
      expect(answers.takeLeft()).toEqual([]);
    }
  });
});
