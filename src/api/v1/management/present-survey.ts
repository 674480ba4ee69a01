/** A survey in the words of this contract. Source: survey-model §3, management-api-v1 §12. */
import { type SurveyRecord, viewSurvey } from "../../../surveys/service.ts";
import { presentTenant } from "./tenant.ts";

export const presentSurvey = (survey: SurveyRecord) => viewSurvey(survey, presentTenant(survey));
