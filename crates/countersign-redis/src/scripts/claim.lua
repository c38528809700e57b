-- Claims KEYS[1] with the fence ARGV[1] for a lease of ARGV[2] microseconds; the record is kept for
-- ARGV[3] milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local record = redis.call('GET', KEYS[1])
if record then
    local status = string.match(record, '^done (%d+)$')
    if status then return {'done', tonumber(status)} end
    local lease_end = tonumber(string.match(record, '^claimed %-?%d+ (%d+)$'))
    if not lease_end then return {'unreadable', 0} end
    if lease_end > now then return {'in flight', lease_end - now} end
end
redis.call('SET', KEYS[1], string.format('claimed %s %.0f', ARGV[1], now + ARGV[2]), 'PX', ARGV[3])
return {'claimed', 0}
