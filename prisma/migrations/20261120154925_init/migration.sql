-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "organization_role" AS ENUM ('owner', 'manager', 'member', 'billing');

-- CreateEnum
CREATE TYPE "team_role" AS ENUM ('admin', 'contributor');

-- CreateEnum
CREATE TYPE "team_permission" AS ENUM ('read', 'readWrite', 'manage');

-- CreateEnum
CREATE TYPE "environment_type" AS ENUM ('production', 'development');

-- CreateEnum
CREATE TYPE "attribute_key_type" AS ENUM ('default', 'custom');

-- CreateEnum
CREATE TYPE "attribute_data_type" AS ENUM ('string', 'number', 'date', 'boolean');

-- CreateEnum
CREATE TYPE "action_class_type" AS ENUM ('code', 'noCode');

-- CreateEnum
CREATE TYPE "survey_type" AS ENUM ('link', 'app');

-- CreateEnum
CREATE TYPE "survey_status" AS ENUM ('draft', 'inProgress', 'paused', 'completed');

-- CreateEnum
CREATE TYPE "quota_action" AS ENUM ('endSurvey', 'continueSurvey');

-- CreateEnum
CREATE TYPE "quota_link_status" AS ENUM ('screenedIn', 'screenedOut');

-- CreateTable
CREATE TABLE "organizations" (
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "name" TEXT NOT NULL,
    "whitelabel" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "organizations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "email" TEXT NOT NULL,
    "emailKey" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "locale" TEXT NOT NULL DEFAULT 'en-US',
    "lastLoginAt" TIMESTAMPTZ(3),
    "emailVerifiedAt" TIMESTAMPTZ(3),
    "identityProvider" TEXT NOT NULL DEFAULT 'email',
    "notificationSettings" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "organizationId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "accepted" BOOLEAN NOT NULL DEFAULT false,
    "role" "organization_role" NOT NULL DEFAULT 'member',

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("organizationId","userId")
);

-- CreateTable
CREATE TABLE "teams" (
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "teams_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "team_members" (
    "teamId" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "role" "team_role" NOT NULL DEFAULT 'contributor',

    CONSTRAINT "team_members_pkey" PRIMARY KEY ("teamId","userId")
);

-- CreateTable
CREATE TABLE "project_teams" (
    "projectId" TEXT NOT NULL,
    "teamId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "permission" "team_permission" NOT NULL DEFAULT 'read',

    CONSTRAINT "project_teams_pkey" PRIMARY KEY ("projectId","teamId")
);

-- CreateTable
CREATE TABLE "projects" (
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "organizationId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "recontactDays" INTEGER NOT NULL DEFAULT 7,
    "clickOutsideClose" BOOLEAN NOT NULL DEFAULT true,
    "overlay" TEXT NOT NULL DEFAULT 'none',
    "placement" TEXT NOT NULL DEFAULT 'bottomRight',
    "inAppSurveyBranding" BOOLEAN NOT NULL DEFAULT true,
    "linkSurveyBranding" BOOLEAN NOT NULL DEFAULT true,
    "styling" JSONB NOT NULL DEFAULT '{"allowStyleOverwrite":true}',
    "config" JSONB NOT NULL DEFAULT '{}',
    "logo" JSONB,
    "customHeadScripts" TEXT,

    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "environments" (
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "projectId" TEXT NOT NULL,
    "type" "environment_type" NOT NULL,
    "legacyId" TEXT,
    "appSetupCompleted" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "environments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdBy" TEXT,
    "lastUsedAt" TIMESTAMPTZ(3),
    "label" TEXT NOT NULL,
    "lookupHash" TEXT NOT NULL,
    "isLegacy" BOOLEAN NOT NULL DEFAULT false,
    "organizationId" TEXT NOT NULL,
    "organizationAccess" JSONB NOT NULL DEFAULT '{}',
    "permissions" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "contact_attribute_keys" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT,
    "description" TEXT,
    "type" "attribute_key_type" NOT NULL DEFAULT 'custom',
    "dataType" "attribute_data_type" NOT NULL DEFAULT 'string',
    "isUnique" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "contact_attribute_keys_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "contacts" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "firstSeenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastSeenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "userId" TEXT,
    "email" TEXT,
    "companyId" TEXT,
    "attributes" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "contacts_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "segments" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "title" TEXT NOT NULL,
    "description" TEXT,
    "isPrivate" BOOLEAN NOT NULL DEFAULT true,
    "filters" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "segments_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "action_classes" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "type" "action_class_type" NOT NULL,
    "key" TEXT,
    "noCodeConfig" JSONB,

    CONSTRAINT "action_classes_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "languages" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "code" TEXT NOT NULL,
    "alias" TEXT,

    CONSTRAINT "languages_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "surveys" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "name" TEXT NOT NULL,
    "type" "survey_type" NOT NULL,
    "status" "survey_status" NOT NULL DEFAULT 'draft',
    "createdBy" TEXT,
    "segmentId" TEXT,
    "slug" TEXT,
    "archivedAt" TIMESTAMPTZ(3),
    "document" JSONB NOT NULL,
    "refusal" TEXT,

    CONSTRAINT "surveys_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "survey_triggers" (
    "environmentId" TEXT NOT NULL,
    "surveyId" TEXT NOT NULL,
    "actionClassId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "survey_triggers_pkey" PRIMARY KEY ("environmentId","surveyId","actionClassId")
);

-- CreateTable
CREATE TABLE "survey_languages" (
    "environmentId" TEXT NOT NULL,
    "surveyId" TEXT NOT NULL,
    "languageId" TEXT NOT NULL,
    "default" BOOLEAN NOT NULL DEFAULT false,
    "enabled" BOOLEAN NOT NULL DEFAULT true,

    CONSTRAINT "survey_languages_pkey" PRIMARY KEY ("environmentId","surveyId","languageId")
);

-- CreateTable
CREATE TABLE "survey_quotas" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "surveyId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "limit" INTEGER NOT NULL,
    "logic" JSONB NOT NULL,
    "action" "quota_action" NOT NULL,
    "endingCardId" TEXT,
    "countPartialSubmissions" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "survey_quotas_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "survey_follow_ups" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "surveyId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "trigger" JSONB NOT NULL,
    "action" JSONB NOT NULL,

    CONSTRAINT "survey_follow_ups_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "displays" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "surveyId" TEXT NOT NULL,
    "contactId" TEXT,

    CONSTRAINT "displays_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "responses" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "surveyId" TEXT NOT NULL,
    "contactId" TEXT,
    "displayId" TEXT,
    "singleUseId" TEXT,
    "finished" BOOLEAN NOT NULL,
    "endingId" TEXT,
    "language" TEXT,
    "data" JSONB NOT NULL,
    "variables" JSONB NOT NULL DEFAULT '{}',
    "ttc" JSONB NOT NULL DEFAULT '{}',
    "meta" JSONB NOT NULL DEFAULT '{}',
    "contactAttributes" JSONB,

    CONSTRAINT "responses_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "response_quota_links" (
    "environmentId" TEXT NOT NULL,
    "responseId" TEXT NOT NULL,
    "quotaId" TEXT NOT NULL,
    "status" "quota_link_status" NOT NULL,

    CONSTRAINT "response_quota_links_pkey" PRIMARY KEY ("environmentId","responseId","quotaId")
);

-- CreateTable
CREATE TABLE "tags" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "name" TEXT NOT NULL,

    CONSTRAINT "tags_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "response_tags" (
    "environmentId" TEXT NOT NULL,
    "responseId" TEXT NOT NULL,
    "tagId" TEXT NOT NULL,

    CONSTRAINT "response_tags_pkey" PRIMARY KEY ("environmentId","responseId","tagId")
);

-- CreateTable
CREATE TABLE "webhooks" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "name" TEXT,
    "url" TEXT NOT NULL,
    "source" TEXT NOT NULL DEFAULT 'user',
    "triggers" TEXT[],
    "surveyIds" TEXT[],
    "secret" TEXT,

    CONSTRAINT "webhooks_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateIndex
CREATE UNIQUE INDEX "users_emailKey_key" ON "users"("emailKey");

-- CreateIndex
CREATE INDEX "memberships_userId_idx" ON "memberships"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "teams_organizationId_name_key" ON "teams"("organizationId", "name");

-- CreateIndex
CREATE INDEX "team_members_userId_idx" ON "team_members"("userId");

-- CreateIndex
CREATE INDEX "project_teams_teamId_idx" ON "project_teams"("teamId");

-- CreateIndex
CREATE UNIQUE INDEX "projects_organizationId_name_key" ON "projects"("organizationId", "name");

-- CreateIndex
CREATE UNIQUE INDEX "environments_legacyId_key" ON "environments"("legacyId");

-- CreateIndex
CREATE INDEX "environments_projectId_idx" ON "environments"("projectId");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_lookupHash_key" ON "api_keys"("lookupHash");

-- CreateIndex
CREATE INDEX "api_keys_organizationId_idx" ON "api_keys"("organizationId");

-- CreateIndex
CREATE INDEX "contact_attribute_keys_id_idx" ON "contact_attribute_keys"("id");

-- CreateIndex
CREATE UNIQUE INDEX "contact_attribute_keys_environmentId_key_key" ON "contact_attribute_keys"("environmentId", "key");

-- CreateIndex
CREATE INDEX "contacts_environmentId_createdAt_id_idx" ON "contacts"("environmentId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "contacts_id_idx" ON "contacts"("id");

-- CreateIndex
CREATE UNIQUE INDEX "contacts_environmentId_userId_key" ON "contacts"("environmentId", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "contacts_environmentId_email_key" ON "contacts"("environmentId", "email");

-- CreateIndex
CREATE INDEX "segments_id_idx" ON "segments"("id");

-- CreateIndex
CREATE UNIQUE INDEX "segments_environmentId_title_key" ON "segments"("environmentId", "title");

-- CreateIndex
CREATE INDEX "action_classes_id_idx" ON "action_classes"("id");

-- CreateIndex
CREATE UNIQUE INDEX "action_classes_environmentId_name_key" ON "action_classes"("environmentId", "name");

-- CreateIndex
CREATE UNIQUE INDEX "action_classes_environmentId_key_key" ON "action_classes"("environmentId", "key");

-- CreateIndex
CREATE UNIQUE INDEX "languages_environmentId_code_key" ON "languages"("environmentId", "code");

-- CreateIndex
CREATE INDEX "surveys_id_idx" ON "surveys"("id");

-- CreateIndex
CREATE INDEX "surveys_environmentId_segmentId_idx" ON "surveys"("environmentId", "segmentId");

-- CreateIndex
CREATE INDEX "surveys_environmentId_updatedAt_idx" ON "surveys"("environmentId", "updatedAt");

-- CreateIndex
CREATE UNIQUE INDEX "surveys_environmentId_slug_key" ON "surveys"("environmentId", "slug");

-- CreateIndex
CREATE INDEX "survey_triggers_environmentId_actionClassId_idx" ON "survey_triggers"("environmentId", "actionClassId");

-- CreateIndex
CREATE INDEX "survey_languages_environmentId_languageId_idx" ON "survey_languages"("environmentId", "languageId");

-- CreateIndex
CREATE UNIQUE INDEX "survey_quotas_environmentId_surveyId_name_key" ON "survey_quotas"("environmentId", "surveyId", "name");

-- CreateIndex
CREATE INDEX "survey_follow_ups_environmentId_surveyId_idx" ON "survey_follow_ups"("environmentId", "surveyId");

-- CreateIndex
CREATE INDEX "displays_environmentId_contactId_createdAt_surveyId_idx" ON "displays"("environmentId", "contactId", "createdAt" DESC, "surveyId");

-- CreateIndex
CREATE INDEX "displays_environmentId_surveyId_createdAt_idx" ON "displays"("environmentId", "surveyId", "createdAt");

-- CreateIndex
CREATE INDEX "responses_environmentId_contactId_createdAt_surveyId_finish_idx" ON "responses"("environmentId", "contactId", "createdAt" DESC, "surveyId", "finished");

-- CreateIndex
CREATE INDEX "responses_environmentId_surveyId_createdAt_idx" ON "responses"("environmentId", "surveyId", "createdAt");

-- CreateIndex
CREATE INDEX "responses_environmentId_createdAt_idx" ON "responses"("environmentId", "createdAt");

-- CreateIndex
CREATE INDEX "responses_id_idx" ON "responses"("id");

-- CreateIndex
CREATE UNIQUE INDEX "responses_environmentId_displayId_key" ON "responses"("environmentId", "displayId");

-- CreateIndex
CREATE UNIQUE INDEX "responses_environmentId_surveyId_singleUseId_key" ON "responses"("environmentId", "surveyId", "singleUseId");

-- CreateIndex
CREATE INDEX "response_quota_links_environmentId_quotaId_status_idx" ON "response_quota_links"("environmentId", "quotaId", "status");

-- CreateIndex
CREATE UNIQUE INDEX "tags_environmentId_name_key" ON "tags"("environmentId", "name");

-- CreateIndex
CREATE INDEX "response_tags_environmentId_tagId_idx" ON "response_tags"("environmentId", "tagId");

-- CreateIndex
CREATE INDEX "webhooks_id_idx" ON "webhooks"("id");

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "teams" ADD CONSTRAINT "teams_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_teamId_fkey" FOREIGN KEY ("teamId") REFERENCES "teams"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_teams" ADD CONSTRAINT "project_teams_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_teams" ADD CONSTRAINT "project_teams_teamId_fkey" FOREIGN KEY ("teamId") REFERENCES "teams"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "projects" ADD CONSTRAINT "projects_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "environments" ADD CONSTRAINT "environments_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_organizationId_fkey" FOREIGN KEY ("organizationId") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_attribute_keys" ADD CONSTRAINT "contact_attribute_keys_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "segments" ADD CONSTRAINT "segments_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "action_classes" ADD CONSTRAINT "action_classes_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "languages" ADD CONSTRAINT "languages_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "surveys" ADD CONSTRAINT "surveys_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "surveys" ADD CONSTRAINT "surveys_environmentId_segmentId_fkey" FOREIGN KEY ("environmentId", "segmentId") REFERENCES "segments"("environmentId", "id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "survey_triggers" ADD CONSTRAINT "survey_triggers_environmentId_surveyId_fkey" FOREIGN KEY ("environmentId", "surveyId") REFERENCES "surveys"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "survey_triggers" ADD CONSTRAINT "survey_triggers_environmentId_actionClassId_fkey" FOREIGN KEY ("environmentId", "actionClassId") REFERENCES "action_classes"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "survey_languages" ADD CONSTRAINT "survey_languages_environmentId_surveyId_fkey" FOREIGN KEY ("environmentId", "surveyId") REFERENCES "surveys"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "survey_languages" ADD CONSTRAINT "survey_languages_environmentId_languageId_fkey" FOREIGN KEY ("environmentId", "languageId") REFERENCES "languages"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "survey_quotas" ADD CONSTRAINT "survey_quotas_environmentId_surveyId_fkey" FOREIGN KEY ("environmentId", "surveyId") REFERENCES "surveys"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "survey_follow_ups" ADD CONSTRAINT "survey_follow_ups_environmentId_surveyId_fkey" FOREIGN KEY ("environmentId", "surveyId") REFERENCES "surveys"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "displays" ADD CONSTRAINT "displays_environmentId_surveyId_fkey" FOREIGN KEY ("environmentId", "surveyId") REFERENCES "surveys"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "displays" ADD CONSTRAINT "displays_environmentId_contactId_fkey" FOREIGN KEY ("environmentId", "contactId") REFERENCES "contacts"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "responses" ADD CONSTRAINT "responses_environmentId_surveyId_fkey" FOREIGN KEY ("environmentId", "surveyId") REFERENCES "surveys"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "responses" ADD CONSTRAINT "responses_environmentId_contactId_fkey" FOREIGN KEY ("environmentId", "contactId") REFERENCES "contacts"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "responses" ADD CONSTRAINT "responses_environmentId_displayId_fkey" FOREIGN KEY ("environmentId", "displayId") REFERENCES "displays"("environmentId", "id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "response_quota_links" ADD CONSTRAINT "response_quota_links_environmentId_responseId_fkey" FOREIGN KEY ("environmentId", "responseId") REFERENCES "responses"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "response_quota_links" ADD CONSTRAINT "response_quota_links_environmentId_quotaId_fkey" FOREIGN KEY ("environmentId", "quotaId") REFERENCES "survey_quotas"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tags" ADD CONSTRAINT "tags_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "response_tags" ADD CONSTRAINT "response_tags_environmentId_responseId_fkey" FOREIGN KEY ("environmentId", "responseId") REFERENCES "responses"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "response_tags" ADD CONSTRAINT "response_tags_environmentId_tagId_fkey" FOREIGN KEY ("environmentId", "tagId") REFERENCES "tags"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;
