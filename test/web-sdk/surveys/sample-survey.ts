/** A survey with every type of element, each in a block of its own, and how a respondent answers it. */
import type { Page } from "playwright-core";
import { expect } from "vitest";

const text = (words: string) => ({ default: words });
const choices = (...labels: string[]) => labels.map((label, index) => ({ id: `c${index + 1}`, label: text(label) }));
const field = (placeholder: string, required = true) => ({ show: true, required, placeholder: text(placeholder) });
const hidden = { show: false, required: false, placeholder: text("") };
/** A picture that needs no network. */
const picture = (colors: [string, string]) =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><rect width="4" height="3" fill="${colors[0]}"/><circle cx="2" cy="1.6" r=".9" fill="${colors[1]}"/></svg>`,
  )}`;

export interface Sample {
  element: { id: string; type: string; required: boolean; headline: Record<string, string> } & Record<string, unknown>;
  /** What the response holds after `fill`. */
  answer: unknown;
  fill(page: Page): Promise<unknown>;
}

const option = (page: Page, name: string) => page.getByRole("radio", { name, exact: true }).check();
const tick = (page: Page, name: string) => page.getByRole("checkbox", { name, exact: true }).check();
const scale = (page: Page, name: string) => page.getByRole("radio", { name, exact: true }).check({ force: true });

export const SAMPLES: Sample[] = [
  {
    element: {
      id: "text",
      type: "openText",
      required: true,
      headline: text("What brought you here today?"),
      subheader: text("A sentence or two is plenty."),
      placeholder: text("I was looking for…"),
      longAnswer: true,
      charLimit: { enabled: true, min: 5, max: 200 },
    },
    answer: "A lamp for the hall",
    fill: (page) => page.getByRole("textbox").fill("A lamp for the hall"),
  },
  {
    element: {
      id: "mail",
      type: "openText",
      required: false,
      headline: text("Where may we write to?"),
      inputType: "email",
      placeholder: text("you@example.com"),
    },
    answer: "ida@acme.test",
    fill: (page) => page.getByRole("textbox").fill("ida@acme.test"),
  },
  {
    element: {
      id: "single",
      type: "multipleChoiceSingle",
      required: true,
      headline: text("How did you hear about us?"),
      choices: [...choices("A friend", "Search engine", "Newspaper"), { id: "other", label: text("Something else") }],
      otherOptionPlaceholder: text("Tell us where"),
    },
    answer: "A podcast",
    fill: async (page) => {
      await option(page, "Something else");
      await page.getByRole("textbox", { name: "Tell us where" }).fill("A podcast");
    },
  },
  {
    element: {
      id: "drop",
      type: "multipleChoiceSingle",
      displayType: "dropdown",
      required: false,
      headline: text("Which country do you live in?"),
      choices: choices("Norway", "Portugal", "Vietnam"),
    },
    answer: "Portugal",
    fill: (page) => page.getByRole("combobox").selectOption({ label: "Portugal" }),
  },
  {
    element: {
      id: "multi",
      type: "multipleChoiceMulti",
      required: true,
      headline: text("What do you use it for?"),
      subheader: text("Choose all that apply."),
      choices: [
        ...choices("Work", "Study", "Family and friends"),
        { id: "other", label: text("Other") },
        { id: "none", label: text("None of these") },
      ],
    },
    answer: ["Work", "Family and friends", "", "Music"],
    fill: async (page) => {
      await tick(page, "None of these");
      await tick(page, "Family and friends");
      await tick(page, "Work");
      await tick(page, "Other");
      await page.getByRole("textbox").fill("Music");
    },
  },
  {
    element: {
      id: "nps",
      type: "nps",
      required: true,
      headline: text("How likely are you to recommend us to a friend?"),
      lowerLabel: text("Not at all likely"),
      upperLabel: text("Extremely likely"),
      isColorCodingEnabled: true,
    },
    answer: 9,
    fill: (page) => scale(page, "9 of 10"),
  },
  {
    element: {
      id: "stars",
      type: "rating",
      required: true,
      headline: text("How do you rate the delivery?"),
      scale: "star",
      range: 5,
      lowerLabel: text("Poor"),
      upperLabel: text("Great"),
    },
    answer: 4,
    fill: (page) => scale(page, "4 of 5"),
  },
  {
    element: { id: "numbers", type: "rating", required: false, headline: text("And the price?"), scale: "number", range: 7 },
    answer: 6,
    fill: (page) => scale(page, "6 of 7"),
  },
  {
    element: {
      id: "csat",
      type: "csat",
      required: true,
      headline: text("How satisfied are you?"),
      scale: "smiley",
      range: 5,
      lowerLabel: text("Very unhappy"),
      upperLabel: text("Very happy"),
      isColorCodingEnabled: true,
    },
    answer: 5,
    fill: (page) => scale(page, "5 of 5"),
  },
  {
    element: { id: "ces", type: "ces", required: false, headline: text("How easy was it to find?"), scale: "number", range: 5 },
    answer: 3,
    fill: (page) => scale(page, "3 of 5"),
  },
  {
    element: {
      id: "cta",
      type: "cta",
      required: false,
      headline: text("<b>New:</b> the spring catalogue"),
      subheader: text("<p>Forty pages of lamps, with <a href='https://acme.test/'>prices</a>.</p>"),
      buttonExternal: true,
      buttonUrl: "https://acme.test/catalogue",
      ctaButtonLabel: text("Have a look"),
    },
    answer: "clicked",
    fill: (page) => page.getByRole("button", { name: "Have a look" }).click(),
  },
  {
    element: {
      id: "statement",
      type: "cta",
      required: true,
      headline: text("Nearly done"),
      subheader: text("Only a few details are left."),
    },
    answer: "clicked",
    fill: async () => {},
  },
  {
    element: {
      id: "consent",
      type: "consent",
      required: true,
      headline: text("May we call you about this?"),
      subheader: text("Once, and only about your answers."),
      label: text("Yes, you may call me"),
    },
    answer: "accepted",
    fill: (page) => tick(page, "Yes, you may call me"),
  },
  {
    element: {
      id: "pictures",
      type: "pictureSelection",
      required: true,
      allowMulti: true,
      headline: text("Which of these would you hang up?"),
      choices: [
        { id: "p1", imageUrl: picture(["#264653", "#e9c46a"]) },
        { id: "p2", imageUrl: picture(["#e76f51", "#fff1e6"]) },
        { id: "p3", imageUrl: picture(["#2a9d8f", "#f4f1de"]) },
        { id: "p4", imageUrl: picture(["#6d597a", "#ffb4a2"]) },
      ],
    },
    answer: ["p1", "p3"],
    fill: async (page) => {
      await page.getByRole("checkbox", { name: "Picture 3" }).check({ force: true });
      await page.getByRole("checkbox", { name: "Picture 1" }).check({ force: true });
    },
  },
  {
    element: { id: "date", type: "date", required: true, headline: text("When did you move in?"), format: "d-M-y" },
    answer: "2026-03-01",
    fill: (page) => page.getByLabel("When did you move in?").fill("2026-03-01"),
  },
  {
    element: {
      id: "file",
      type: "fileUpload",
      required: true,
      headline: text("Show us the room"),
      allowMultipleFiles: true,
      allowedFileExtensions: ["png", "jpg", "pdf"],
      maxSizeInMB: 5,
    },
    answer: expect.any(Array),
    fill: async (page) => {
      await page.locator("input[type=file]").setInputFiles({
        name: "room.png",
        mimeType: "image/png",
        buffer: Buffer.from("not much of a picture"),
      });
      await page.getByRole("button", { name: "Remove room.png" }).waitFor();
    },
  },
  {
    element: { id: "cal", type: "cal", required: false, headline: text("Shall we talk?"), calUserName: "acme/intro" },
    answer: "booked",
    fill: (page) => tick(page, "I have booked a time"),
  },
  {
    element: {
      id: "matrix",
      type: "matrix",
      required: true,
      headline: text("How good are we at these?"),
      rows: choices("Speed", "Price", "Advice"),
      columns: choices("Bad", "Fair", "Good"),
    },
    answer: { Speed: "Good", Price: "Fair", Advice: "Good" },
    fill: async (page) => {
      for (const [row, column] of [
        ["Advice", "Good"],
        ["Price", "Fair"],
        ["Speed", "Good"],
      ])
        await page
          .getByRole("radio", { name: `${row}: ${column}` })
          .or(page.getByRole("group", { name: row ?? "", exact: true }).getByRole("radio", { name: column ?? "" }))
          .check();
    },
  },
  {
    element: {
      id: "address",
      type: "address",
      required: true,
      headline: text("Where shall we send it?"),
      addressLine1: field("Street and number"),
      addressLine2: hidden,
      city: field("City"),
      zip: field("Postal code"),
      state: hidden,
      country: field("Country"),
    },
    answer: ["1 Quay", "", "Oslo", "", "0150", "Norway"],
    fill: async (page) => {
      await page.getByLabel("Street and number").fill("1 Quay");
      await page.getByLabel("City").fill("Oslo");
      await page.getByLabel("Postal code").fill("0150");
      await page.getByLabel("Country").fill("Norway");
    },
  },
  {
    element: {
      id: "contact",
      type: "contactInfo",
      required: true,
      headline: text("Who are you?"),
      firstName: field("First name"),
      lastName: field("Last name"),
      email: field("Email"),
      phone: field("Phone", false),
      company: hidden,
    },
    answer: ["Ida", "Berg", "ida@acme.test", "", ""],
    fill: async (page) => {
      await page.getByLabel("First name").fill("Ida");
      await page.getByLabel("Last name").fill("Berg");
      await page.getByLabel("Email").fill("ida@acme.test");
    },
  },
  {
    element: {
      id: "ranking",
      type: "ranking",
      required: true,
      headline: text("What matters most in a lamp?"),
      choices: choices("Light", "Looks", "Price", "Power use"),
    },
    answer: ["Looks", "Light", "Price", "Power use"],
    fill: async (page) => {
      for (const name of ["Light", "Looks", "Price", "Power use"])
        await page.getByRole("button", { name: `Rank ${name}` }).click();
      await page.getByRole("button", { name: "Move Looks up" }).click();
    },
  },
];

export const sampleDocument = (samples: Sample[] = SAMPLES) => ({
  welcomeCard: {
    enabled: true,
    headline: text("We would like to know you better"),
    subheader: text("Your answers decide what we build next."),
    timeToFinish: true,
    showResponseCount: false,
  },
  blocks: samples.map(({ element }, index) => ({ id: `bk${index}`, name: `Block ${index + 1}`, elements: [element] })),
  endings: [
    {
      id: "end1",
      type: "endScreen",
      headline: text("Thank you!"),
      subheader: text("We read every answer."),
      buttonLabel: text("Visit our shop"),
      buttonLink: "https://acme.test/",
    },
  ],
  hiddenFields: { enabled: true, fieldIds: ["plan"] },
  variables: [],
  languages: [],
});
