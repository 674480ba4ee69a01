/**
 * Finds a contact by its e-mail address, or creates one that has no user id, and merges its attributes: environment id,
 * new id, address, patch as JSON (null removes). Answers the contact as it is read by one of its ids.
 */
export const IDENTIFY_ADDRESS = {
  name: "identify_address",
  text: `
insert into contacts as c ("environmentId", id, email, attributes, "updatedAt")
values ($1, $2, $3, jsonb_strip_nulls($4::jsonb), now())
on conflict ("environmentId", email) do update set
  attributes = jsonb_strip_nulls(c.attributes || $4::jsonb),
  "attributeTimes" = c."attributeTimes" || (
    select coalesce(jsonb_object_agg(p.key, (extract(epoch from now()) * 1000)::bigint), '{}')
    from jsonb_each($4::jsonb) p where c.attributes -> p.key is distinct from nullif(p.value, 'null')
  ),
  "lastSeenAt" = now(),
  "updatedAt" = case when c.attributes @> $4::jsonb then c."updatedAt" else now() end
returning id, "userId", email, "visitorId", "companyId", attributes, "createdAt", "firstSeenAt", "lastSeenAt"`,
};
