-- What was given up or cancelled of one endpoint or tenant is few among all that it was sent: an operator who looks for
-- it reads that alone. PostgreSQL, which knows how many rows there are of each, needs no such index.
CREATE INDEX countersign_deliveries_dead_by_endpoint ON countersign_deliveries (endpoint_id, id) WHERE state = 'dead';
CREATE INDEX countersign_deliveries_dead_by_tenant ON countersign_deliveries (tenant, id)
    WHERE state = 'dead' AND tenant IS NOT NULL;
CREATE INDEX countersign_deliveries_cancelled_by_endpoint ON countersign_deliveries (endpoint_id, id)
    WHERE state = 'cancelled';
CREATE INDEX countersign_deliveries_cancelled_by_tenant ON countersign_deliveries (tenant, id)
    WHERE state = 'cancelled' AND tenant IS NOT NULL;
