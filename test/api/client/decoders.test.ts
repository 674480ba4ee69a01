/**
 * What the decoders of native SDKs demand of the two answers they read, stated as schemas and held against real
 * answers. A key that may be null must be there unless it is marked optional. Source: sdk-contract §3, §4.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { newId } from "../../../src/shared/ids.ts";
import { buildTenant, type Tenant } from "../../support/build.ts";
import { startTestServer, type TestServer } from "../../support/server.ts";
import { buildSegment, buildSurvey } from "./live-survey.ts";

/** iOS and Android parse times by a pattern: milliseconds and a literal Z. */
const FixedTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const Int = z.int32();
const Placement = z.enum(["topLeft", "topRight", "bottomLeft", "bottomRight", "center"]);
const Overlay = z.enum(["none", "light", "dark"]);
const DisplayOption = z.enum(["respondMultiple", "displayOnce", "displayMultiple", "displaySome"]);

const OPERATORS =
  "lessThan lessEqual greaterThan greaterEqual equals notEquals contains doesNotContain startsWith endsWith isSet isNotSet userIsIn userIsNotIn".split(
    " ",
  );

/** Filters as both platforms know them: older ones fail at anything else. */
const Filter = z.object({
  id: z.string(),
  connector: z.enum(["and", "or"]).nullable(),
  resource: z.object({
    id: z.string(),
    root: z.discriminatedUnion("type", [
      z.object({ type: z.literal("attribute"), contactAttributeKey: z.string() }),
      z.object({ type: z.literal("person"), personIdentifier: z.string() }),
      z.object({ type: z.literal("segment"), segmentId: z.string() }),
      z.object({ type: z.literal("device"), deviceType: z.string() }),
    ]),
    value: z.union([z.string(), z.number()]),
    qualifier: z.object({
      operator: z.enum(OPERATORS),
    }),
  }),
});

const StrictSegment = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string().nullable(),
  isPrivate: z.boolean(),
  filters: z.array(Filter),
  environmentId: z.string(),
  createdAt: FixedTime,
  updatedAt: FixedTime,
  surveys: z.array(z.string()),
});

const Color = z.object({ light: z.string() }).nullish();
const Styling = z.object({
  roundness: z.number().nullish(),
  allowStyleOverwrite: z.boolean().nullish(),
  brandColor: Color,
  cardBackgroundColor: Color,
});

const language = (alias: z.ZodType) =>
  z.object({
    enabled: z.boolean(),
    default: z.boolean(),
    language: z.object({ id: z.string(), code: z.string(), alias, projectId: z.string() }),
  });

const Trigger = z.object({ actionClass: z.object({ name: z.string() }) });

const envelope = (state: z.ZodType) => z.object({ data: z.object({ data: state, expiresAt: FixedTime }) });

/** iOS up to 1.2: everything it decodes is decoded strictly, whole numbers and enumerations included. */
const IosState = envelope(
  z.object({
    surveys: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        triggers: z.array(Trigger),
        recontactDays: Int.nullish(),
        displayLimit: Int.nullish(),
        delay: Int.nullish(),
        displayPercentage: z.number().nullish(),
        displayOption: DisplayOption,
        segment: StrictSegment.nullish(),
        styling: Styling.nullish(),
        languages: z.array(language(z.string().nullish())).nullish(),
        projectOverwrites: z
          .object({
            brandColor: z.string().nullish(),
            highlightBorderColor: z.string().nullish(),
            placement: Placement.nullish(),
            clickOutsideClose: z.boolean().nullish(),
            overlay: Overlay.nullish(),
          })
          .nullish(),
      }),
    ),
    actionClasses: z.array(
      z.object({ id: z.string(), type: z.string(), name: z.string(), key: z.string().nullish(), noCodeConfig: z.unknown() }),
    ),
    project: z.object({
      id: z.string(),
      recontactDays: Int,
      clickOutsideClose: z.boolean(),
      overlay: Overlay,
      darkOverlay: z.boolean().nullish(),
      placement: Placement,
      inAppSurveyBranding: z.boolean(),
      styling: Styling,
    }),
  }),
);

/** Android 1.2: a key may be null, never absent. */
const androidState = (project: z.ZodType) =>
  envelope(
    z.object({
      surveys: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          triggers: z.array(Trigger).nullable(),
          recontactDays: Int.nullable(),
          displayLimit: Int.nullable(),
          delay: Int.nullable(),
          displayPercentage: z.number().nullable(),
          displayOption: DisplayOption.nullable(),
          segment: StrictSegment.nullable(),
          styling: Styling.nullable(),
          languages: z.array(language(z.string().nullable())).nullable(),
        }),
      ),
      actionClasses: z.array(
        z.object({ id: z.string(), type: z.string(), name: z.string().nullable(), key: z.string().nullable() }),
      ),
      project,
    }),
  );
const Android12Project = z.object({
  id: z.string(),
  recontactDays: Int,
  clickOutsideClose: z.boolean(),
  overlay: Overlay,
  placement: Placement,
  inAppSurveyBranding: z.boolean(),
  styling: Styling,
});
const Android12State = androidState(Android12Project);
/** Android up to 1.1 knows no `overlay`, and fails without the key that was before it. */
const Android11State = androidState(Android12Project.omit({ overlay: true }).extend({ darkOverlay: z.boolean().nullable() }));

const settings = { recontactDays: Int, clickOutsideClose: z.boolean(), overlay: Overlay, placement: Placement };

/** Android 2 takes the settings from `workspace` and needs to be told whether a segment has filters. */
const Android2State = envelope(
  z.object({
    surveys: z.array(
      z.object({
        id: z.string(),
        triggers: z.array(Trigger),
        displayOption: z.string(),
        delay: Int.nullish(),
        segment: z.object({ id: z.string(), hasFilters: z.boolean() }).nullish(),
        languages: z.array(language(z.string().nullish())).nullish(),
      }),
    ),
    actionClasses: z.array(z.object({ id: z.string(), type: z.string(), name: z.string(), key: z.string().nullish() })),
    workspace: z.object({ id: z.string(), ...settings, inAppSurveyBranding: z.boolean(), styling: Styling }),
  }),
);

const FlutterState = z.object({
  data: z.object({
    expiresAt: z.iso.datetime(), // a number or nothing makes it throw
    data: z.object({
      surveys: z.array(
        z.object({
          id: z.string(),
          triggers: z.array(Trigger),
          displayOption: z.string(),
          displayPercentage: z.number().nullish(),
          segment: z.object({ id: z.string(), hasFilters: z.boolean() }).nullish(),
          languages: z.array(
            z.object({
              enabled: z.boolean(),
              default: z.boolean(),
              language: z.object({ code: z.string(), alias: z.string().nullish() }),
            }),
          ),
        }),
      ),
      actionClasses: z.array(
        z.object({ id: z.string(), type: z.enum(["code", "noCode"]), name: z.string(), key: z.string().nullish() }),
      ),
      workspace: z.object({ id: z.string(), ...settings, styling: z.object({ allowStyleOverwrite: z.boolean() }) }),
    }),
  }),
});

/** What the web core and React Native dereference without asking. */
const WebState = z.object({
  data: z.object({
    expiresAt: z.iso.datetime(),
    data: z.object({
      surveys: z.array(
        z.object({
          id: z.string(),
          displayOption: DisplayOption,
          triggers: z.array(Trigger),
          languages: z.array(z.unknown()),
          hiddenFields: z.object({}),
          segment: z.object({ id: z.string(), hasFilters: z.boolean(), filters: z.array(z.unknown()) }).nullable(),
        }),
      ),
      actionClasses: z.array(
        z.object({ name: z.string(), noCodeConfig: z.object({ urlFilters: z.array(z.unknown()) }).nullable() }),
      ),
      workspace: z.object({ styling: z.object({ allowStyleOverwrite: z.boolean() }) }),
      project: z.object({ styling: z.object({ allowStyleOverwrite: z.boolean() }) }),
    }),
  }),
});

const personState = (time: z.ZodType, contactId: z.ZodType) =>
  z.object({
    data: z.object({
      state: z.object({
        expiresAt: time,
        data: z.object({
          userId: z.string(),
          contactId,
          segments: z.array(z.string()),
          displays: z.array(z.object({ surveyId: z.string(), createdAt: time })),
          responses: z.array(z.string()),
          lastDisplayAt: time.nullable(),
          language: z.string().optional(),
        }),
      }),
      messages: z.array(z.string()).optional(),
      errors: z.array(z.string()).optional(),
    }),
  });

let server: TestServer;
let tenant: Tenant;

beforeAll(async () => {
  server = await startTestServer();
  tenant = await buildTenant(server.db);
  await fill(tenant.environmentId);
});
afterAll(() => server.close());

/** A survey with everything set, one with nothing set, and one as an import of broken rows may leave it. */
async function fill(environmentId: string): Promise<void> {
  const { db } = server;
  const plan = {
    id: "f",
    connector: null,
    resource: { id: "r", root: { type: "surveyInteraction" }, qualifier: { operator: "haveSeen" }, value: {} },
  };
  const full = await buildSurvey(db, {
    environmentId,
    segmentId: await buildSegment(db, environmentId, [plan]),
    document: {
      welcomeCard: { enabled: true, headline: { default: "Hi" } },
      blocks: [{ id: "b", name: "Block", elements: [{ id: "q", type: "openText" }] }],
      displayOption: "displaySome",
      displayLimit: 3,
      displayPercentage: 12.5,
      recontactDays: 0,
      delay: 2,
      styling: { overwriteThemeStyling: true, roundness: "8", brandColor: { light: "#ff0000" } },
      workspaceOverwrites: { placement: "center", clickOutsideClose: true, overlay: "light" },
    },
  });
  await buildSurvey(db, { environmentId, segmentId: await buildSegment(db, environmentId, []) });
  await buildSurvey(db, {
    environmentId,
    document: { displayOption: "never", delay: "5", displayLimit: 0.5, styling: [], hiddenFields: null, blocks: "none" },
  });
  const actionClassId = newId();
  await db.prisma.actionClass.createMany({
    data: [
      { id: actionClassId, environmentId, type: "code", name: "signed up", key: "signed_up" },
      {
        id: newId(),
        environmentId,
        type: "noCode",
        name: "pricing viewed",
        noCodeConfig: { type: "pageView", urlFilters: [{ value: "/pricing", rule: "contains" }] },
      },
    ],
  });
  await db.prisma.surveyTrigger.create({ data: { environmentId, surveyId: full, actionClassId } });
  const languages = [
    { id: newId(), environmentId, code: "de-DE", alias: null },
    { id: newId(), environmentId, code: "fr-FR", alias: "french" },
  ];
  await db.prisma.language.createMany({ data: languages });
  await db.prisma.surveyLanguage.createMany({
    data: languages.map(({ id }, index) => ({ environmentId, surveyId: full, languageId: id, default: index === 0 })),
  });
  await db.prisma.project.update({
    where: { id: tenant.projectId },
    data: { styling: { allowStyleOverwrite: true, roundness: "4" } },
  });
}

describe.each(["v1", "v2"])("the environment state of %s", (version) => {
  test.each([
    ["iOS up to 1.2", IosState],
    ["Android up to 1.1", Android11State],
    ["Android 1.2", Android12State],
    ["Android 2", Android2State],
    ["Flutter", FlutterState],
    ["the web core and React Native", WebState],
  ])("is read by %s", async (_client, decoder) => {
    const { body } = await server.request.get(`/api/${version}/client/${tenant.environmentId}/environment`).expect(200);
    expect(body.data.data.surveys).toHaveLength(3);
    expect(decoder.safeParse(body).error?.issues).toBeUndefined();
  });
});

describe.each(["v1", "v2"])("the person state of %s", (version) => {
  test.each([
    ["iOS", personState(FixedTime, z.string())],
    ["Android", personState(FixedTime, z.string().nullish())],
    ["Flutter, the web core and React Native", personState(z.iso.datetime(), z.string().nullish())],
  ])("is read by %s, of a new person and of one with a history", async (_client, decoder) => {
    const userId = `user-${newId()}`;
    const identify = async (attributes?: object) =>
      (await server.request.post(`/api/${version}/client/${tenant.environmentId}/user`).send({ userId, attributes }).expect(200))
        .body;
    expect(decoder.safeParse(await identify()).error?.issues).toBeUndefined();

    const { environmentId } = tenant;
    const contact = await server.db.prisma.contact.findFirstOrThrow({ where: { environmentId, userId } });
    const survey = await server.db.prisma.survey.findFirstOrThrow({ where: { environmentId } });
    const owners = { environmentId, contactId: contact.id, surveyId: survey.id };
    await server.db.prisma.display.create({ data: { id: newId(), ...owners } });
    await server.db.prisma.response.create({ data: { id: newId(), ...owners, finished: true, data: {} } });
    const body = await identify({ language: "de", plan: "pro", "not-a-key": "x" });
    expect(decoder.safeParse(body).error?.issues).toBeUndefined();
    expect(body.data).toMatchObject({
      state: { data: { displays: [{ surveyId: survey.id }], responses: [survey.id], language: "de" } },
      errors: [expect.any(String)],
    });
  });
});
