-- Records that KEYS[1], claimed with the fence ARGV[1], was answered with the status ARGV[2], for ARGV[3]
-- milliseconds.
local record = redis.call('GET', KEYS[1])
if not record or string.match(record, '^claimed (%-?%d+) %d+$') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], 'done ' .. ARGV[2], 'PX', ARGV[3])
return 1
