-- Gives back KEYS[1], claimed with the fence ARGV[1].
local record = redis.call('GET', KEYS[1])
if not record or string.match(record, '^claimed (%-?%d+) %d+$') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
