/**
 * Elements: what a respondent sees and answers. These schemas hold the shape only (members, JSON types, closed lists
 * of values); what a shape must also keep is in `element-rules.ts`. Source: survey-model §5.
 */
import { z } from "zod";
import { AnswerRules } from "./answer-rule.ts";
import { LocalizedText } from "./text.ts";

/** File extensions that may be uploaded. Source: management-api-v1 §11.1. */
const FILE_EXTENSIONS = [
  ...["heic", "png", "jpeg", "jpg", "webp", "ico", "pdf", "eml", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt"],
  ...["csv", "mp4", "mov", "avi", "mkv", "webm", "mp3", "zip", "rar", "7z", "tar"],
] as const;

const SCALES = ["number", "smiley", "star"] as const;

const base = {
  id: z.string(),
  headline: LocalizedText,
  subheader: LocalizedText.optional(),
  imageUrl: z.string().optional(),
  videoUrl: z.string().optional(),
  required: z.boolean(),
  // Old editors left these on elements of any type.
  scale: z.enum(SCALES).optional(),
  range: z.literal([3, 4, 5, 7, 10]).optional(),
};

const shuffleOption = z.enum(["none", "all", "exceptLast", "reverseOrderOccasionally", "reverseOrderExceptLast"]);
const validation = AnswerRules.optional();

const Choice = z.object({ id: z.string(), label: LocalizedText });
const PictureChoice = z.object({ id: z.string(), imageUrl: z.string() });
const FormField = z.object({ show: z.boolean(), required: z.boolean(), placeholder: LocalizedText });

const choiceList = {
  choices: z.array(Choice),
  shuffleOption: shuffleOption.optional(),
  otherOptionPlaceholder: LocalizedText.optional(),
};
const scaleLabels = {
  lowerLabel: LocalizedText.optional(),
  upperLabel: LocalizedText.optional(),
  isColorCodingEnabled: z.boolean().default(false),
};

/** The members of each element type, so that the question generation can be built from the same list. */
export const elementShapes = {
  openText: {
    ...base,
    type: z.literal("openText"),
    placeholder: LocalizedText.optional(),
    longAnswer: z.boolean().optional(),
    inputType: z.enum(["text", "email", "url", "number", "phone"]).default("text"),
    insightsEnabled: z.boolean().default(false), // dead, but still answered
    charLimit: z
      .object({ enabled: z.boolean().default(false), min: z.number().optional(), max: z.number().optional() })
      .default({ enabled: false }),
    validation,
  },
  multipleChoiceSingle: {
    ...base,
    type: z.literal("multipleChoiceSingle"),
    ...choiceList,
    displayType: z.enum(["list", "dropdown"]).optional(),
  },
  multipleChoiceMulti: {
    ...base,
    type: z.literal("multipleChoiceMulti"),
    ...choiceList,
    displayType: z.enum(["list", "dropdown"]).optional(),
    validation,
  },
  nps: { ...base, type: z.literal("nps"), ...scaleLabels },
  rating: {
    ...base,
    type: z.literal("rating"),
    scale: z.enum(SCALES),
    range: z.literal([3, 4, 5, 6, 7, 10]),
    ...scaleLabels,
  },
  csat: { ...base, type: z.literal("csat"), scale: z.enum(SCALES), range: z.literal(5), ...scaleLabels },
  ces: { ...base, type: z.literal("ces"), scale: z.enum(SCALES), range: z.literal([5, 7]), ...scaleLabels },
  cta: {
    ...base,
    type: z.literal("cta"),
    buttonExternal: z.boolean().default(false),
    buttonUrl: z.string().optional(),
    ctaButtonLabel: LocalizedText.optional(),
  },
  consent: { ...base, type: z.literal("consent"), label: LocalizedText, validation },
  pictureSelection: {
    ...base,
    type: z.literal("pictureSelection"),
    choices: z.array(PictureChoice),
    allowMulti: z.boolean().default(false),
    validation,
  },
  date: {
    ...base,
    type: z.literal("date"),
    format: z.enum(["M-d-y", "d-M-y", "y-M-d"]),
    html: LocalizedText.optional(),
    validation,
  },
  fileUpload: {
    ...base,
    type: z.literal("fileUpload"),
    allowMultipleFiles: z.boolean(),
    maxSizeInMB: z.number().optional(),
    allowedFileExtensions: z.array(z.enum(FILE_EXTENSIONS)).optional(),
    validation,
  },
  cal: { ...base, type: z.literal("cal"), calUserName: z.string(), calHost: z.string().optional() },
  matrix: {
    ...base,
    type: z.literal("matrix"),
    rows: z.array(Choice),
    columns: z.array(Choice),
    shuffleOption: shuffleOption.default("none"),
    validation,
  },
  address: {
    ...base,
    type: z.literal("address"),
    addressLine1: FormField,
    addressLine2: FormField,
    city: FormField,
    state: FormField,
    zip: FormField,
    country: FormField,
    validation,
  },
  contactInfo: {
    ...base,
    type: z.literal("contactInfo"),
    firstName: FormField,
    lastName: FormField,
    email: FormField,
    phone: FormField,
    company: FormField,
    validation,
  },
  ranking: { ...base, type: z.literal("ranking"), ...choiceList, validation },
};

const shapes = elementShapes;
const ElementByType = z.discriminatedUnion("type", [
  z.object(shapes.openText),
  z.object(shapes.multipleChoiceSingle),
  z.object(shapes.multipleChoiceMulti),
  z.object(shapes.nps),
  z.object(shapes.rating),
  z.object(shapes.csat),
  z.object(shapes.ces),
  z.object(shapes.cta),
  z.object(shapes.consent),
  z.object(shapes.pictureSelection),
  z.object(shapes.date),
  z.object(shapes.fileUpload),
  z.object(shapes.cal),
  z.object(shapes.matrix),
  z.object(shapes.address),
  z.object(shapes.contactInfo),
  z.object(shapes.ranking),
]);
export type SurveyElement = z.infer<typeof ElementByType>;
type ElementType = SurveyElement["type"];
export type ElementOf<Type extends ElementType> = Extract<SurveyElement, { type: Type }>;

/**
 * The schema with every failure of its shape reported as one `Invalid input` at the value itself, as the reference's
 * plain unions report it, without trying one member of the union after the other. Documentation shows the schema's own
 * JSON Schema under the name; a description stands for one that refers to others and would not stand by itself.
 */
export const collapsed = <Output>(name: string, schema: z.ZodType<Output>, description?: string) =>
  z
    .unknown()
    .transform((value, context): Output => {
      const result = schema.safeParse(value);
      if (result.success) return result.data;
      context.addIssue({ code: "custom", message: "Invalid input", input: value });
      return z.NEVER;
    })
    .meta({ id: name, ...(description === undefined ? documentationOf(schema) : { type: "object", description }) });

function documentationOf(schema: z.ZodType): Record<string, unknown> {
  const documentation = z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema !== AnswerRules) return; // the longest part by far, and in most elements
      for (const member of Object.keys(jsonSchema)) delete jsonSchema[member];
      Object.assign(jsonSchema, { type: "object", description: "Rules that an answer must keep" });
    },
  });
  return { oneOf: documentation.oneOf };
}

export const SurveyElement = collapsed("SurveyElement", ElementByType);

/** The slots of an address or contact answer, in the order of the answer's array. */
export const ADDRESS_FIELDS = ["addressLine1", "addressLine2", "city", "state", "zip", "country"] as const;
export const CONTACT_FIELDS = ["firstName", "lastName", "email", "phone", "company"] as const;
