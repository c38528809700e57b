-- Of tenants that have had as many turns, the one goes first that was served longest ago, or never; what has been due
-- for longest decides after that. Where that alone decided, a tenant whose first message is new waited for all that many
-- others had left waiting. All else is as the fourth step has it.

-- Returns a row for each delivery that is leased, in turn, and then one for each endpoint whose turn comes next, of up to
-- sixteen leases.
CREATE OR REPLACE FUNCTION countersign_outbox_lease(
    given_now BIGINT, most BIGINT, span BIGINT, new_fence BIGINT, half_open_after BIGINT, among TEXT[]
)
RETURNS TABLE (leased_id BIGINT, next_endpoint TEXT)
LANGUAGE plpgsql AS $$
DECLARE
    present BIGINT;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'leasing needs the isolation level READ COMMITTED' USING ERRCODE = '0A000';
    END IF;
    PERFORM pg_advisory_xact_lock(1668508013, 'countersign_deliveries'::regclass::oid::bigint::bit(32)::integer);
    present := countersign_now(given_now);
    RETURN QUERY
    WITH waiting AS MATERIALIZED (
        SELECT endpoint.id, endpoint.tenant, endpoint.attempted_at,
            CASE WHEN endpoint.failures >= half_open_after THEN 1 ELSE endpoint.in_flight END AS places, (
            -- The first entry of an index, whatever was settled before.
            SELECT min(first.due_at) FROM countersign_deliveries AS first
            WHERE first.endpoint_id = endpoint.id AND first.state IN ('pending', 'leased')) AS due_since
        FROM countersign_endpoints AS endpoint
        WHERE endpoint.id = ANY (coalesce(among, ARRAY(SELECT id FROM countersign_endpoints WHERE state = 'enabled')))
          AND endpoint.state = 'enabled' AND (endpoint.open_until IS NULL OR endpoint.open_until <= present)
    ), busy AS (
        SELECT leased.endpoint_id AS id, count(*)::INTEGER AS number FROM countersign_deliveries AS leased
        WHERE leased.state = 'leased' AND leased.due_at > present AND (among IS NULL OR leased.endpoint_id = ANY (among))
        GROUP BY leased.endpoint_id
    ), member AS (
        -- Windows over both, and no join: nobody knows beforehand how many there will be, and each of one would be
        -- compared with each of the other.
        SELECT waiting.id, coalesce('tenant ' || waiting.tenant, 'endpoint ' || waiting.id) AS taker,
            waiting.places, waiting.due_since, waiting.attempted_at, 0 AS number
        FROM waiting WHERE waiting.due_since <= present
        UNION ALL
        SELECT busy.id, coalesce('tenant ' || endpoint.tenant, 'endpoint ' || busy.id), NULL, NULL, NULL, busy.number
        FROM busy JOIN countersign_endpoints AS endpoint ON endpoint.id = busy.id
    ), counted AS (
        SELECT member.id, member.taker, member.due_since,
            member.places - sum(member.number) OVER (PARTITION BY member.id) AS places,
            sum(member.number) OVER (PARTITION BY member.taker) AS had,
            max(member.attempted_at) OVER (PARTITION BY member.taker) AS served_at
        FROM member
    ), ranked AS MATERIALIZED (
        SELECT counted.id, counted.taker, counted.due_since, counted.places, counted.had, counted.served_at,
            counted.had + row_number() OVER (PARTITION BY counted.taker ORDER BY counted.due_since, counted.id) AS turn
        FROM counted WHERE counted.places > 0
    ), served AS MATERIALIZED (
        -- An endpoint whose first delivery isn't among as many first ones has none among all.
        SELECT * FROM ranked ORDER BY ranked.turn, ranked.served_at NULLS FIRST, ranked.due_since, ranked.id LIMIT most
    ), due AS MATERIALIZED (
        SELECT oldest.id, oldest.due_at, served.id AS endpoint_id, served.served_at, served.had + row_number() OVER (
            PARTITION BY served.taker ORDER BY oldest.turn, oldest.due_at, oldest.id) AS turn
        FROM served CROSS JOIN LATERAL (
            SELECT candidate.id, candidate.due_at, row_number() OVER (ORDER BY candidate.due_at, candidate.id) AS turn
            FROM countersign_deliveries AS candidate
            WHERE candidate.endpoint_id = served.id AND candidate.state IN ('pending', 'leased')
              AND candidate.due_at <= present
            ORDER BY candidate.due_at, candidate.id
            LIMIT CASE WHEN among IS NOT NULL THEN 1 ELSE least(served.places, most) END) AS oldest
        ORDER BY 5, served.served_at NULLS FIRST, oldest.due_at, oldest.id
        LIMIT most
    ), picked AS (
        SELECT delivery.id, due.turn, due.served_at, due.due_at
        FROM due JOIN countersign_deliveries AS delivery ON delivery.id = due.id
        -- Once more, for a row that has changed since: a late worker may settle it at this moment.
        WHERE delivery.state IN ('pending', 'leased') AND delivery.due_at <= present
        FOR UPDATE OF delivery SKIP LOCKED
    ), taken AS (
        UPDATE countersign_deliveries AS delivery
        SET state = 'leased', due_at = present + span, fence = new_fence,
            attempts = delivery.attempts + 1, step = delivery.step + 1
        FROM picked
        WHERE delivery.id = picked.id
        RETURNING delivery.id, picked.turn, picked.served_at, picked.due_at
    )
    (SELECT taken.id, NULL::TEXT FROM taken ORDER BY taken.turn, taken.served_at NULLS FIRST, taken.due_at, taken.id)
    UNION ALL
    (SELECT NULL, ranked.id FROM ranked
     WHERE among IS NULL AND ranked.id NOT IN (SELECT due.endpoint_id FROM due)
     ORDER BY ranked.turn, ranked.served_at NULLS FIRST, ranked.due_since, ranked.id LIMIT 16 * most);
END
$$;

-- As the fifth step has it: a function that is made again has no settings of its own.
ALTER FUNCTION countersign_outbox_lease(BIGINT, BIGINT, BIGINT, BIGINT, BIGINT, TEXT[])
    SET plan_cache_mode = force_custom_plan;
