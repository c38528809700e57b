-- A function's statements keep the plan that was made of them first, until the tables' statistics change, which takes a
-- minute or more. One made while a table was known to be empty reads all of it for each endpoint or lane: seconds for each
-- lease, one after the other, when much comes at once. Making the plan anew for each lease costs a fraction of a millisecond.
ALTER FUNCTION countersign_inbox_lease(BIGINT, BIGINT, BIGINT, BIGINT) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION countersign_outbox_lease(BIGINT, BIGINT, BIGINT, BIGINT, BIGINT, TEXT[])
    SET plan_cache_mode = force_custom_plan;
