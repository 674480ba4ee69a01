-- How lower-case user ids and addresses are spread. The indexes of them leave out those who have none, and the planner
-- takes no statistics from an index that leaves rows out: of any beginning it thought that one contact in 200 has it.
CREATE STATISTICS "contacts_userId_prefix_stats" ON (lower("userId")) FROM "contacts";

CREATE STATISTICS "contacts_email_prefix_stats" ON (lower("email")) FROM "contacts";

ANALYZE "contacts";
