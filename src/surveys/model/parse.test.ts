import {
  type Arbitrary,
  array,
  boolean,
  assert as check,
  constantFrom,
  integer,
  json,
  property,
  record,
  string,
  tuple,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { questionsFromBlocks, surveyElements } from "./generation.ts";
import {
  type ParsedSurvey,
  parseSurveyCreate,
  parseSurveyUpdate,
  type StoredSurvey,
  type SurveyModelContext,
  surveyProblem,
} from "./parse.ts";
import type { SurveyContent } from "./survey.ts";
import { surveyFields } from "./survey.ts";

const context = (): SurveyModelContext => {
  let count = 0;
  return {
    newId: () => `cnew${++count}`,
    languages: [
      { id: "lang1en", code: "en-US" },
      { id: "lang2de", code: "de-DE" },
      { id: "lang3fr", code: "fr-FR" },
    ],
  };
};

const text = (value: string) => ({ default: value });
const field = (show: boolean) => ({ show, required: false, placeholder: text(show ? "Type here" : "") });
const choices = (...ids: string[]) => ids.map((id) => ({ id, label: text(`Label of ${id}`) }));
const base = { headline: text("A question"), required: false };

/** The least of every element type that both generations accept, apart from its id. */
const MINIMAL_ELEMENTS = {
  openText: { ...base, type: "openText" },
  multipleChoiceSingle: { ...base, type: "multipleChoiceSingle", choices: choices("red", "other") },
  multipleChoiceMulti: { ...base, type: "multipleChoiceMulti", choices: choices("red", "blue", "none") },
  nps: { ...base, type: "nps" },
  rating: { ...base, type: "rating", scale: "star", range: 6 },
  csat: { ...base, type: "csat", scale: "smiley", range: 5 },
  ces: { ...base, type: "ces", scale: "number", range: 7 },
  cta: { ...base, type: "cta", buttonExternal: false },
  consent: { ...base, type: "consent", label: text("I agree") },
  pictureSelection: {
    ...base,
    type: "pictureSelection",
    choices: [
      { id: "one", imageUrl: "https://cdn.example.test/one.png" },
      { id: "two", imageUrl: "/storage/place/public/two.WEBP?size=1" },
    ],
  },
  date: { ...base, type: "date", format: "y-M-d" },
  fileUpload: { ...base, type: "fileUpload", allowMultipleFiles: true },
  cal: { ...base, type: "cal", calUserName: "team/intro" },
  matrix: { ...base, type: "matrix", rows: choices("speed", "price"), columns: choices("good", "bad") },
  address: {
    ...base,
    type: "address",
    ...{ addressLine1: field(true), addressLine2: field(false), city: field(true) },
    ...{ state: field(false), zip: field(true), country: field(true) },
  },
  contactInfo: {
    ...base,
    type: "contactInfo",
    ...{ firstName: field(true), lastName: field(true), email: field(true), phone: field(false), company: field(false) },
  },
  ranking: { ...base, type: "ranking", choices: choices("x", "y") },
};
type ElementName = keyof typeof MINIMAL_ELEMENTS;
const ELEMENT_NAMES = Object.keys(MINIMAL_ELEMENTS) as ElementName[];

const element = (name: ElementName, changes: object = {}, id = "q1") => ({ ...MINIMAL_ELEMENTS[name], id, ...changes });
const block = (...elements: object[]) => ({ id: "block1", name: "First", elements });
const withElement = (name: ElementName, changes: object = {}) => ({ name: "Pulse", blocks: [block(element(name, changes))] });
const survey = (changes: object = {}) => ({ ...withElement("openText"), ...changes });

function accepted(result: ParsedSurvey): SurveyContent {
  if (!result.ok) throw new Error(JSON.stringify([result.problem.message, result.problem.issues]));
  return result.survey;
}

const created = (input: unknown) => accepted(parseSurveyCreate(input, context()));
const stored = (content: SurveyContent, changes: Partial<StoredSurvey> = {}): StoredSurvey => ({
  ...content,
  archivedAt: null,
  ...changes,
});
const updated = (existing: SurveyContent, input: unknown) => accepted(parseSurveyUpdate(stored(existing), input, context()));

/** The issues as the wire's details show them: the last of a path counts. */
function details(result: ParsedSurvey): Record<string, string> {
  if (result.ok) return {};
  return Object.fromEntries((result.problem.issues ?? []).map(({ field: path, issue }) => [path, issue]));
}
const refusedPaths = (input: unknown) => Object.keys(details(parseSurveyCreate(input, context())));
const refusedMessage = (result: ParsedSurvey) => (result.ok ? undefined : [result.problem.message, result.problem.issues]);

/** What an API shows of a survey: both generations, and the second name of the overwrites. */
const presented = (content: SurveyContent) => ({
  ...surveyFields(content),
  questions: questionsFromBlocks(content.document.blocks),
  projectOverwrites: content.document.workspaceOverwrites,
  id: "survey1",
  createdAt: "2026-01-01T00:00:00.000Z",
  workspaceId: "env1",
  environmentId: "env1",
  archivedAt: null,
});

describe("what is accepted", () => {
  it.each(ELEMENT_NAMES)("takes a minimal %s in a block", (name) => {
    const { document } = created(withElement(name));
    expect(document.blocks[0]?.elements).toEqual([expect.objectContaining(element(name))]);
  });

  it.each(ELEMENT_NAMES)("takes a minimal %s as a question and makes a block of it", (name) => {
    const { document } = created({ name: "Pulse", questions: [element(name)] });
    expect(document.questions).toEqual([]);
    expect(document.blocks).toEqual([{ id: "cnew1", name: "Block 1", elements: [expect.objectContaining(element(name))] }]);
  });

  it("fills in what a new survey starts with", () => {
    const content = created({ name: "Pulse", questions: [element("openText")] });
    expect(surveyFields(content)).toEqual({
      name: "Pulse",
      type: "link",
      status: "draft",
      createdBy: null,
      slug: null,
      welcomeCard: { enabled: false, timeToFinish: true, showResponseCount: false },
      questions: [],
      blocks: [
        {
          id: "cnew1",
          name: "Block 1",
          elements: [{ ...element("openText"), inputType: "text", charLimit: { enabled: false }, insightsEnabled: false }],
        },
      ],
      endings: [],
      hiddenFields: { enabled: false },
      variables: [],
      displayOption: "displayOnce",
      recontactDays: null,
      displayLimit: null,
      displayPercentage: null,
      delay: 0,
      autoClose: null,
      autoComplete: null,
      publishOn: null,
      closeOn: null,
      triggers: [],
      languages: [],
      showLanguageSwitch: null,
      styling: null,
      workspaceOverwrites: null,
      surveyClosedMessage: null,
      singleUse: { enabled: false, isEncrypted: true },
      pin: null,
      isVerifyEmailEnabled: false,
      isSingleResponsePerEmailEnabled: false,
      isBackButtonHidden: false,
      isAutoProgressingEnabled: false,
      isCaptureIpEnabled: false,
      recaptcha: { enabled: false, threshold: 0.1 },
      metadata: {},
      customHeadScripts: null,
      customHeadScriptsMode: "add",
      followUps: [],
    });
  });

  it("drops unknown members, keeps further members of metadata, and forgets drafts", () => {
    const { document } = created({
      ...withElement("nps", { isDraft: true, surprise: 1 }),
      thankYouCard: {},
      metadata: { title: text("Shared"), theme: { hue: 3 } },
    });
    expect(document.blocks[0]?.elements[0]).toEqual({ ...element("nps"), isColorCodingEnabled: false });
    expect(document.metadata).toEqual({ title: text("Shared"), theme: { hue: 3 } });
    expect(document).not.toHaveProperty("thankYouCard");
  });

  it("finds the elements of a document of either generation", () => {
    const ids = (document: object) => surveyElements(document).map(({ id }) => id);
    expect(ids({ questions: [], blocks: [block(element("nps", {}, "a"), element("date", {}, "b"))] })).toEqual(["a", "b"]);
    expect(ids({ questions: [element("nps", {}, "a"), { type: "lost" }] })).toEqual(["a"]);
  });

  it("takes what older clients and published examples send", () => {
    const { document, columns } = created({
      name: "Old",
      status: "scheduled",
      runOnDate: "2026-03-01",
      closeOnDate: "2026-04-01T10:00:00+02:00",
      welcomeCard: { enabled: true, headline: text("Hello"), html: text("<p>Hi</p>"), fileUrl: "" },
      productOverwrites: { placement: "center", darkOverlay: true },
      styling: { questionColor: { light: "#111" }, brandColor: { light: "#222" }, buttonBgColor: { light: "#333" } },
      questions: [
        element("consent", { html: text("Read this"), imageUrl: "" }),
        element("matrix", { rows: [text("Speed")], columns: [text("Good"), text("Bad")] }, "q2"),
      ],
      resultShareKey: null,
    });
    expect(columns.status).toBe("paused");
    expect(document.publishOn).toBe("2026-03-01T00:00:00.000Z");
    expect(document.closeOn).toBe("2026-04-01T08:00:00.000Z");
    expect(document.welcomeCard).toEqual({
      enabled: true,
      headline: text("Hello"),
      subheader: text("<p>Hi</p>"),
      timeToFinish: true,
      showResponseCount: false,
    });
    expect(document.workspaceOverwrites).toEqual({ placement: "center", overlay: "dark" });
    expect(document.styling).toMatchObject({
      elementHeadlineColor: { light: "#111" },
      optionLabelColor: { light: "#111" },
      brandColor: { light: "#222" },
      progressIndicatorBgColor: { light: "#222" },
      buttonBgColor: { light: "#333" },
    });
    expect(document.styling).not.toHaveProperty("questionColor");
    const [consent, matrix] = document.blocks.map(({ elements }) => elements[0]);
    expect(consent).toEqual({ ...element("consent"), subheader: text("Read this") });
    expect(matrix).toMatchObject({ rows: [{ id: "cnew1", label: text("Speed") }], columns: [{ id: "cnew2" }, { id: "cnew3" }] });
  });

  it("resolves languages by id, by code and by bare code", () => {
    const headline = { default: "Hi", "de-DE": "Hallo", "fr-FR": "" };
    const { languages } = created({
      ...withElement("nps", { headline }),
      languages: [
        { language: { id: "lang1en", createdAt: "2026-01-01T00:00:00.000Z" }, default: true, enabled: true },
        { language: { code: "de-de" }, default: false, enabled: true },
        { language: "fr-FR", enabled: false },
      ],
    });
    expect(languages).toEqual([
      { language: { id: "lang1en", code: "en-US" }, default: true, enabled: true },
      { language: { id: "lang2de", code: "de-DE" }, default: false, enabled: true },
      { language: { id: "lang3fr", code: "fr-FR" }, default: false, enabled: false },
    ]);
  });

  it("resolves another spelling of a language's code, unless it is the code of another", () => {
    const known = [
      { id: "langbare", code: "de" },
      { id: "langcanonical", code: "pt-BR" },
    ];
    const entries = ["de-DE", "pt"].map((language, index) => ({ language, default: index === 0 }));
    const headline = { default: "Hallo", "pt-BR": "Oi" };
    const body = survey({ ...withElement("nps", { headline }), languages: entries });
    const result = parseSurveyCreate(body, { ...context(), languages: known });
    expect(result.ok && result.survey.languages.map(({ language }) => language)).toEqual(known);
    const both = { ...context(), languages: [...known, { id: "langother", code: "de-DE" }] };
    const exact = parseSurveyCreate(survey({ languages: [{ language: "de-DE", default: true }] }), both);
    expect(exact.ok && exact.survey.languages.map(({ language }) => language.id)).toEqual(["langother"]);
  });

  it("says which language does not exist, after the rules", () => {
    const languages = [{ language: { id: "langother" }, default: true, enabled: true }];
    const result = parseSurveyCreate(survey({ languages }), context());
    expect(result.ok ? undefined : result.problem.resource).toEqual({ type: "Language", id: "langother" });
    expect(refusedPaths(survey({ languages, pin: "1" }))).toEqual(["pin"]);
  });
});

const inQuestion = (changes: object) => ({ name: "Pulse", questions: [element("openText", changes)] });
const ending = (changes: object) => survey({ endings: [{ id: "end1", type: "endScreen", ...changes }] });
const redirect = (changes: object) =>
  survey({ endings: [{ id: "end1", type: "redirectToUrl", url: "https://example.test", label: "Go", ...changes }] });
const followUp = (to: string, trigger: object = { type: "response", properties: null }) => ({
  name: "Thanks",
  trigger,
  action: {
    type: "send-email",
    properties: { to, from: "team@example.test", replyTo: [], subject: "Hi", body: "<p>Hi</p>", attachResponseData: false },
  },
});
const AT_ELEMENT = "blocks.0.elements.0";
const externalCta = (buttonUrl: string) => withElement("cta", { buttonExternal: true, buttonUrl, ctaButtonLabel: text("Open") });
const german = [
  { language: "en-US", default: true, enabled: true },
  { language: "de-DE", default: false, enabled: true },
];

describe("what is refused, and where", () => {
  it.each<[string, unknown, string[]]>([
    ["no name", { blocks: [block(element("nps"))] }, ["name"]],
    ["an empty name", survey({ name: "" }), ["name"]],
    ["neither generation", { name: "x" }, ["questions"]],
    ["both generations", survey({ questions: [element("nps")] }), ["questions", "blocks"]],
    ["an unknown type", survey({ type: "web" }), ["type"]],
    ["an unknown status", survey({ status: "x" }), ["status"]],
    ["an unknown display option", survey({ displayOption: "x" }), ["displayOption"]],
    ["an element of unknown type", survey({ blocks: [block({ ...base, id: "q1", type: "nope" })] }), [AT_ELEMENT]],
    ["an element without a member", withElement("rating", { range: undefined }), [AT_ELEMENT]],
    ["an element with a member of another JSON type", withElement("nps", { required: "yes" }), [AT_ELEMENT]],
    ["a question of unknown type", inQuestion({ type: "nope" }), ["questions.0"]],
    ["a question without a member", inQuestion({ headline: undefined }), ["questions.0"]],
    [
      "a button question that does not say whether it is external",
      { name: "x", questions: [element("cta", { buttonExternal: undefined })] },
      ["questions.0"],
    ],
    ["an empty headline object", withElement("nps", { headline: {} }), [`${AT_ELEMENT}.headline`]],
    ["a headline without default", withElement("nps", { headline: { en: "x" } }), [`${AT_ELEMENT}.headline`]],
    ["a blank headline", withElement("nps", { headline: text("") }), [`${AT_ELEMENT}.headline`]],
    ["a headline of tags", withElement("nps", { headline: text("<p></p>") }), [`${AT_ELEMENT}.headline`]],
    ["a subheader without default", withElement("nps", { subheader: { de: "x" } }), [`${AT_ELEMENT}.subheader`]],
    ["an element id with a blank", withElement("nps", { id: "a b" }), [`${AT_ELEMENT}.id`]],
    ["a reserved element id", withElement("nps", { id: "welcomeCard" }), [`${AT_ELEMENT}.id`]],
    ["a repeated element id", survey({ blocks: [block(element("nps"), element("date"))] }), ["blocks.0.elements.1.id"]],
    ["a repeated question id", { name: "x", questions: [element("nps"), element("date")] }, ["questions.1.id"]],
    ["a repeated block id", survey({ blocks: [block(element("nps")), block(element("date", {}, "q2"))] }), ["blocks.1.id"]],
    ["a block without elements", survey({ blocks: [block()] }), ["blocks.0.elements"]],
    [
      "a repeated ending id",
      survey({ endings: [1, 2].map(() => ({ id: "e", type: "endScreen", headline: text("x") })) }),
      ["endings.1.id"],
    ],
    [
      "a repeated variable id",
      survey({ variables: ["a", "b"].map((name) => ({ id: "v", name, type: "text" })) }),
      ["variables.1.id"],
    ],
    [
      "a repeated variable name",
      survey({ variables: ["a", "b"].map((id) => ({ id, name: "v", type: "text" })) }),
      ["variables.1.name"],
    ],
    ["a variable name with capitals", survey({ variables: [{ id: "v", name: "Score", type: "number" }] }), ["variables.0.name"]],
    ["one choice only", withElement("multipleChoiceSingle", { choices: choices("a") }), [`${AT_ELEMENT}.choices`]],
    [
      "one picture only",
      withElement("pictureSelection", { choices: [{ id: "a", imageUrl: "/storage/a.png" }] }),
      [`${AT_ELEMENT}.choices`],
    ],
    [
      "26 options to rank",
      withElement("ranking", { choices: choices(..."abcdefghijklmnopqrstuvwxyz") }),
      [`${AT_ELEMENT}.choices`],
    ],
    [
      "two equal labels",
      withElement("multipleChoiceMulti", {
        choices: ["a", "b"].map((id) => ({ id, label: text(`Tea${id === "a" ? " " : ""}`) })),
      }),
      [`${AT_ELEMENT}.choices`],
    ],
    [
      "an empty label",
      withElement("multipleChoiceMulti", { choices: [...choices("a"), { id: "b", label: text(" ") }] }),
      [`${AT_ELEMENT}.choices`],
    ],
    [
      "two equal rows",
      withElement("matrix", { rows: ["a", "b"].map((id) => ({ id, label: text("Same") })) }),
      [`${AT_ELEMENT}.rows`],
    ],
    ["a limit without numbers", withElement("openText", { charLimit: { enabled: true } }), [`${AT_ELEMENT}.charLimit`]],
    [
      "a minimum above the maximum",
      withElement("openText", { charLimit: { enabled: true, min: 3, max: 2 } }),
      [`${AT_ELEMENT}.charLimit`],
    ],
    [
      "a rule of another element type",
      withElement("date", { validation: { rules: [{ id: "r", type: "email", params: {} }] } }),
      [`${AT_ELEMENT}.validation.rules.0.type`],
    ],
    [
      "a rule for an unknown field",
      withElement("address", { validation: { rules: [{ id: "r", type: "email", params: {}, field: "email" }] } }),
      [`${AT_ELEMENT}.validation.rules.0.field`],
    ],
    [
      "a rule with the parameters of another",
      withElement("openText", { validation: { rules: [{ id: "r", type: "minLength", params: { max: 3 } }] } }),
      [AT_ELEMENT],
    ],
    ["consent to nothing", withElement("consent", { label: text("") }), [`${AT_ELEMENT}.label`]],
    ["no file extension", withElement("fileUpload", { allowedFileExtensions: [] }), [`${AT_ELEMENT}.allowedFileExtensions`]],
    ["an unknown file extension", withElement("fileUpload", { allowedFileExtensions: ["svg"] }), [AT_ELEMENT]],
    ["nobody to meet", withElement("cal", { calUserName: "" }), [`${AT_ELEMENT}.calUserName`]],
    ["a host of one label", withElement("cal", { calHost: "localhost" }), [`${AT_ELEMENT}.calHost`]],
    [
      "a form that shows nothing",
      withElement("contactInfo", { firstName: field(false), lastName: field(false), email: field(false) }),
      [AT_ELEMENT],
    ],
    [
      "a shown field without placeholder",
      withElement("address", { city: { ...field(true), placeholder: text("") } }),
      [`${AT_ELEMENT}.city.placeholder`],
    ],
    ["an image that is no address", withElement("nps", { imageUrl: "picture.png" }), [`${AT_ELEMENT}.imageUrl`]],
    ["an enabled welcome card without headline", survey({ welcomeCard: { enabled: true } }), ["welcomeCard"]],
    [
      "an enabled welcome card with a blank headline",
      survey({ welcomeCard: { enabled: true, headline: text("") } }),
      ["welcomeCard.headline"],
    ],
    ["an end screen without headline", ending({}), ["endings.0.headline"]],
    ["a button without link", ending({ headline: text("Bye"), buttonLabel: text("Go") }), ["endings.0.buttonLink"]],
    ["a link without button", ending({ headline: text("Bye"), buttonLink: "https://example.test" }), ["endings.0.buttonLabel"]],
    ["a redirect without url", redirect({ url: undefined }), ["endings.0.url"]],
    ["a redirect without label", redirect({ label: " " }), ["endings.0.label"]],
    ["a redirect by ftp", redirect({ url: "ftp://example.test" }), ["endings.0.url"]],
    ["an ending of unknown type", ending({ type: "curtain" }), ["endings.0"]],
    ["an external button with a script", externalCta("javascript:alert(1)"), [`${AT_ELEMENT}.buttonUrl`]],
    ["an external button over plain http", externalCta("http://example.test"), [`${AT_ELEMENT}.buttonUrl`]],
    [
      "an external button without label",
      withElement("cta", { buttonExternal: true, buttonUrl: "https://example.test" }),
      [`${AT_ELEMENT}.ctaButtonLabel`],
    ],
    [
      "an external button question without label",
      { name: "x", questions: [element("cta", { buttonExternal: true, buttonUrl: "https://example.test" })] },
      ["questions.0.buttonLabel"],
    ],
    ["a threshold between two steps", survey({ recaptcha: { enabled: true, threshold: 0.15 } }), ["recaptcha.threshold"]],
    ["a threshold of 1", survey({ recaptcha: { enabled: true, threshold: 1 } }), ["recaptcha.threshold"]],
    ["a pin of 3", survey({ pin: "123" }), ["pin"]],
    ["a display percentage of 0", survey({ displayPercentage: 0 }), ["displayPercentage"]],
    ["a display percentage of 101", survey({ displayPercentage: 101 }), ["displayPercentage"]],
    ["completion after 0 responses", survey({ autoComplete: 0 }), ["autoComplete"]],
    ["half a second", survey({ delay: 0.5 }), ["delay"]],
    ["a bad colour", survey({ styling: { brandColor: { light: "#12345" } } }), ["styling.brandColor.light"]],
    ["a bad slug", survey({ slug: "Not this" }), ["slug"]],
    ["no date", survey({ closeOn: "soon" }), ["closeOn"]],
    [
      "a hidden field with a blank",
      survey({ hiddenFields: { enabled: true, fieldIds: ["ok", "a b"] } }),
      ["hiddenFields.fieldIds.1"],
    ],
    ["a reserved hidden field", survey({ hiddenFields: { enabled: true, fieldIds: ["userId"] } }), ["hiddenFields.fieldIds.0"]],
    [
      "a hidden field named like an element",
      survey({ hiddenFields: { enabled: true, fieldIds: ["Q1"] } }),
      ["hiddenFields.fieldIds.0"],
    ],
    ["a follow-up to nobody", survey({ followUps: [followUp("nobody")] }), ["followUps"]],
    ["a follow-up to an element without address", survey({ followUps: [followUp("q1")] }), ["followUps"]],
    [
      "a follow-up after no ending",
      survey({ followUps: [followUp("a@example.test", { type: "endings", properties: { endingIds: [] } })] }),
      ["followUps"],
    ],
    ["a missing translation", survey({ languages: german }), [`${AT_ELEMENT}.headline`]],
    [
      "a text without the key of a disabled language",
      {
        ...withElement("nps", { headline: { default: "Hi", "de-DE": "Hallo" } }),
        languages: [...german, { language: "fr-FR", enabled: false }],
      },
      [`${AT_ELEMENT}.headline`],
    ],
    ["two default languages", survey({ languages: german.map((entry) => ({ ...entry, default: true })) }), ["languages"]],
    ["metadata without default", survey({ metadata: { title: { de: "x" } } }), ["metadata.title"]],
    ["an array", [], [""]],
    ["a text", "survey", [""]],
  ])("refuses %s", (_what, input, paths) => {
    expect(refusedPaths(input)).toEqual(paths);
  });

  it("says it in the validator's sentences", () => {
    const texts = details(parseSurveyCreate({ type: "web", questions: [element("nps", { scale: 3 })] }, context()));
    expect(texts).toEqual({
      name: "Invalid input: expected string, received undefined",
      type: 'Invalid option: expected one of "link"|"app"',
      "questions.0": "Invalid input",
    });
    expect(details(parseSurveyCreate({ name: "x" }, context()))).toEqual({
      questions: "Must provide either questions or blocks. Both cannot be empty.",
    });
  });

  it("reports broken rules all together, and none of them beside a broken shape", () => {
    const rules = { ...withElement("nps", { id: "a b", headline: text("") }), pin: "1" };
    expect(refusedPaths(rules).sort()).toEqual([`${AT_ELEMENT}.headline`, `${AT_ELEMENT}.id`, "pin"]);
    expect(refusedPaths({ ...rules, pin: null, status: "x" })).toEqual(["status"]);
  });

  it("asks a question for the texts of its own buttons", () => {
    const translated = { default: "Hi", "de-DE": "Hallo" };
    const input = {
      name: "x",
      languages: german,
      questions: [
        element("nps", { headline: translated, buttonLabel: text("Next"), backButtonLabel: text("Back"), required: true }),
        element(
          "nps",
          { headline: translated, buttonLabel: text("Next"), backButtonLabel: text("Back"), lowerLabel: text("Bad") },
          "q2",
        ),
      ],
    };
    expect(refusedPaths(input)).toEqual(["questions.1.buttonLabel", "questions.1.backButtonLabel", "questions.1.lowerLabel"]);
    expect(refusedPaths({ ...input, isBackButtonHidden: true })).toEqual(["questions.1.buttonLabel", "questions.1.lowerLabel"]);
  });

  it.each<[string, unknown, string]>([
    [
      "an image of no known kind",
      withElement("nps", { imageUrl: "https://example.test/a.svg" }),
      "Invalid image URL in question 1 of block 1",
    ],
    [
      "a picture of no known kind",
      withElement("pictureSelection", { choices: ["a", "b"].map((id) => ({ id, imageUrl: "/storage/a" })) }),
      "Invalid image URL in choice 1 in question 1 of block 1",
    ],
    [
      "a video of another host",
      withElement("nps", { videoUrl: "https://example.test/a" }),
      "Invalid video URL in question 1 of block 1",
    ],
    [
      "an app survey without trigger",
      survey({ type: "app", status: "inProgress" }),
      "An app survey must have at least one trigger to be set to a non-draft status.",
    ],
    ["a repeated trigger", survey({ triggers: [1, 2].map(() => ({ actionClass: { id: "action1" } })) }), "Duplicate trigger id"],
    [
      "a close date before the publish date",
      survey({ publishOn: "2026-02-01", closeOn: "2026-01-01" }),
      "Close date must be after publish date",
    ],
  ])("refuses %s with a sentence only", (_what, input, message) => {
    expect(refusedMessage(parseSurveyCreate(input, context()))).toEqual([message, undefined]);
  });

  it("tells why an imported survey breaks the rules, but asks it for no trigger", () => {
    expect(surveyProblem(survey({ type: "app", status: "inProgress" }), context())).toBeUndefined();
    expect(surveyProblem(survey({ pin: "1" }), context())?.issues).toEqual([{ field: "pin", issue: "Must be a 4 digit number" }]);
  });
});

describe("an update", () => {
  const two = created({
    name: "Two",
    blocks: [{ ...block(element("nps", {}, "a"), element("date", {}, "b")), buttonLabel: text("Next") }],
    closeOn: "2030-01-01",
    followUps: [followUp("team@example.test"), followUp("verifiedEmail")],
  });
  const [first, second] = two.followUps;

  it("replaces the members given and leaves the rest", () => {
    const content = updated(two, { name: "Renamed", delay: 3, id: "other", createdBy: "nobody" });
    expect(content).toEqual({ ...two, columns: { ...two.columns, name: "Renamed" }, document: { ...two.document, delay: 3 } });
  });

  it("replaces all content by the questions given", () => {
    const { document } = updated(two, { questions: [element("cal")] });
    expect(document.blocks).toEqual([{ id: "cnew1", name: "Block 1", elements: [element("cal")] }]);
  });

  it("takes the changed one of two generations that were read together", () => {
    const both = presented(two);
    const [a, b] = both.questions;
    const questionsChanged = updated(two, { ...both, questions: [{ ...a, headline: text("New") }, b] });
    expect(questionsChanged.document.blocks.map(({ elements }) => elements[0]?.headline)).toEqual([text("New"), base.headline]);
    const blocksChanged = updated(two, { ...both, blocks: [{ ...both.blocks[0], name: "Other" }] });
    expect(blocksChanged.document.blocks.map(({ name }) => name)).toEqual(["Other"]);
  });

  it("refuses two generations that were both changed and differ", () => {
    const result = parseSurveyUpdate(stored(two), { questions: [element("cal")], blocks: [block(element("nps"))] }, context());
    expect(refusedMessage(result)).toEqual([
      "Cannot provide both questions and blocks. Please provide only one of these fields.",
      undefined,
    ]);
  });

  it("takes the changed one of the two names of the overwrites", () => {
    const overwrites = { placement: "center" as const };
    expect(updated(two, { ...presented(two), projectOverwrites: overwrites }).document.workspaceOverwrites).toEqual(overwrites);
    expect(updated(two, { ...presented(two), workspaceOverwrites: overwrites }).document.workspaceOverwrites).toEqual(overwrites);
  });

  it("adds, replaces and deletes follow-ups by id and keeps those not named", () => {
    const replaced = updated(two, { followUps: [{ ...second, name: "Changed" }, followUp("verifiedEmail")] });
    expect(replaced.followUps.map(({ id, name }) => [id, name])).toEqual([
      [second?.id, "Changed"],
      ["cnew1", "Thanks"],
      [first?.id, "Thanks"],
    ]);
    expect(updated(two, { followUps: [{ id: first?.id, deleted: true }] }).followUps).toEqual([second]);
  });

  it.each([
    ["completed", { publishOn: null, closeOn: null }],
    ["inProgress", { publishOn: null, closeOn: "2030-01-01T00:00:00.000Z" }],
    ["paused", { publishOn: "2029-01-01T00:00:00.000Z", closeOn: "2030-01-01T00:00:00.000Z" }],
  ])("clears the dates that mean nothing to a %s survey", (status, dates) => {
    expect(updated(two, { status, publishOn: "2029-01-01" }).document).toMatchObject(dates);
  });

  it("clears the close date of a survey that is paused for good", () => {
    expect(updated(two, { status: "paused" }).document.closeOn).toBeNull();
  });

  it("refuses an archived survey with a sentence", () => {
    const result = parseSurveyUpdate(stored(two, { archivedAt: new Date(0) }), { name: "x" }, context());
    expect(refusedMessage(result)).toEqual(["This survey is archived. Restore it before editing.", undefined]);
  });

  it("writes an imported survey of the older generation in blocks", () => {
    const existing = stored({ ...two }, { document: { questions: [element("nps")], blocks: [], html: 1 } });
    expect(accepted(parseSurveyUpdate(existing, { delay: 1 }, context())).document).toMatchObject({
      questions: [],
      delay: 1,
      blocks: [{ name: "Block 1", elements: [element("nps")] }],
    });
  });
});

const words = string({ minLength: 1, maxLength: 12 }).map((word) => `${word}x`);

const generatedElements: Arbitrary<object[]> = array(
  record({ name: constantFrom(...ELEMENT_NAMES), required: boolean(), headline: words, note: words, hasNote: boolean() }),
  { minLength: 1, maxLength: 6 },
).map((parts) =>
  parts.map(({ name, required, headline, note, hasNote }, index) =>
    element(name, { required, headline: text(headline), ...(hasNote && { subheader: text(note) }) }, `q-${index}`),
  ),
);

const generatedSurvey = tuple(
  generatedElements,
  record(
    {
      delay: integer({ min: 0, max: 100 }),
      autoClose: integer({ min: 0, max: 100 }),
      displayPercentage: constantFrom(0.01, 50.5, 100, null),
      pin: constantFrom("0000", "9876", null),
      recaptcha: record({ enabled: boolean(), threshold: constantFrom(0.1, 0.3, 0.7, 0.9) }),
      singleUse: record({ enabled: boolean(), isEncrypted: boolean(), heading: constantFrom("Hi", null) }),
      styling: constantFrom(null, { brandColor: { light: "#abc", dark: null }, roundness: "4px", hideProgressBar: true }),
      workspaceOverwrites: constantFrom(null, { placement: "topLeft", overlay: "dark", brandColor: null }),
      closeOn: constantFrom("2030-01-01", null),
      status: constantFrom("draft", "inProgress", "paused", "completed"),
      metadata: constantFrom({}, { title: text("T"), more: [1, null] }),
      triggers: constantFrom([], [{ actionClass: { id: "action1", name: "Paid" } }]),
      hiddenFields: constantFrom({ enabled: false }, { enabled: true, fieldIds: ["plan", "seat"] }),
      variables: constantFrom(
        [],
        [
          { id: "v1", name: "score", type: "number" },
          { id: "v2", name: "label", type: "text", value: "x" },
        ],
      ),
      endings: constantFrom([], [{ id: "end1", type: "endScreen", headline: text("Bye"), subheader: text("") }]),
      followUps: constantFrom([], [followUp("verifiedEmail")]),
      isBackButtonHidden: boolean(),
    },
    { requiredKeys: [] },
  ),
  boolean(),
  integer({ min: 1, max: 3 }),
).map(([elements, members, asQuestions, perBlock]) => {
  const blocks = elements.flatMap((_, index) =>
    index % perBlock === 0 ? [{ id: `b${index}`, name: `B${index}`, elements: elements.slice(index, index + perBlock) }] : [],
  );
  return { name: "Generated", ...members, ...(asQuestions ? { questions: elements } : { blocks }) };
});

describe("for every survey", () => {
  it("what was read can be written back and changes nothing", () => {
    check(
      property(generatedSurvey, (input) => {
        const content = created(input);
        expect(updated(content, presented(content))).toEqual(content);
        expect(updated(content, JSON.parse(JSON.stringify(presented(content))))).toEqual(content);
        expect(updated(content, {})).toEqual(content);
      }),
    );
  });

  it("its questions, written as a new survey, read the same", () => {
    check(
      property(generatedSurvey, (input) => {
        const content = created(input);
        const { blocks: _blocks, ...asQuestions } = presented(content);
        expect(presented(created(asQuestions)).questions).toEqual(asQuestions.questions);
      }),
    );
  });

  it("any JSON is answered with a survey or a problem, and nothing is thrown", () => {
    check(
      property(json(), json(), (one, other) => {
        const value: unknown = JSON.parse(one);
        const members = {
          questions: [value],
          blocks: [{ elements: [value] }],
          endings: value,
          languages: [value],
          styling: value,
        };
        expect(parseSurveyCreate(value, context())).toHaveProperty("ok");
        expect(parseSurveyCreate({ ...members, followUps: [JSON.parse(other)] }, context()).ok).toBe(false);
      }),
    );
  });
});

describe("time", () => {
  const within = (limitMs: number, input: unknown, isAccepted = false) => {
    const start = performance.now();
    expect(parseSurveyCreate(input, context()).ok).toBe(isAccepted);
    expect(performance.now() - start).toBeLessThan(limitMs);
  };
  const condition = (index: number) => ({
    id: "c1",
    leftOperand: { type: "element", value: `q${index}` },
    operator: "equals",
    rightOperand: { type: "static", value: 1 },
  });
  const many = Array.from({ length: 6000 }, (_, index) => ({
    id: `b${index}`,
    name: "B",
    elements: [element("nps", {}, `q${index}`)],
    logic: [
      {
        id: "l1",
        conditions: { id: "g1", connector: "and", conditions: [condition(index)] },
        actions: [{ id: "a1", objective: "jumpToBlock", target: `b${index === 5999 ? 0 : index + 1}` }],
      },
    ],
  }));

  it("takes a survey of two megabytes in well under a second", () => {
    const blocks = many.map((one, index) => (index === 5999 ? { ...one, logic: [] } : one));
    expect(JSON.stringify(blocks).length).toBeGreaterThan(2_000_000);
    within(1500, { name: "Large", blocks }, true);
  });

  it("finds a circle through all of it in the same time", () => within(1500, { name: "Large", blocks: many }));

  it("does not give in to texts made to be slow", () => {
    const open = "<".repeat(1_000_000);
    within(1500, withElement("nps", { headline: text("<p>".repeat(600_000)) }));
    within(1500, withElement("nps", { headline: text(open), id: `${"a".repeat(900_000)} ` }));
    within(1500, survey({ slug: `${"a-".repeat(900_000)}!`, pin: "1".repeat(100_000) }));
    within(1500, withElement("cal", { calHost: `${"a.".repeat(900_000)}-` }));
    within(1500, externalCta(`https://${"a-".repeat(500_000)}!`));
    within(1500, survey({ followUps: [followUp(`${"a@".repeat(500_000)}`)] }));
  });

  it("does not multiply languages by elements", () => {
    const languages = Array.from({ length: 10_000 }, () => ({ language: "de-DE", default: false, enabled: true }));
    within(1500, { name: "x", languages, blocks: many.map((one) => ({ ...one, logic: undefined })) });
  });

  it("refuses what is nested too deeply instead of running out of stack", () => {
    let group: unknown = { id: "g", connector: "and", conditions: [] };
    for (let depth = 0; depth < 50_000; depth++) group = { id: "g", connector: "and", conditions: [group] };
    const deep = survey({ metadata: { deep: group } });
    expect(refusedPaths(deep)).toEqual([""]);
    expect(details(parseSurveyUpdate(stored(created(survey())), deep, context()))).toEqual({
      "": "The survey is nested too deeply",
    });
  });
});
