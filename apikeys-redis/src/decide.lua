-- Counts requests against rate limits: all charges if each is within its limit, otherwise none.
--
-- KEYS  the windows, one for each charge
-- ARGV  the limit and the cost of each charge; then, only in tests, the time in microseconds
--
-- Returns {0, remaining, microseconds until the oldest counted request leaves, time} of the first charge, or
-- {number of the charge that exceeds its limit, microseconds to wait, time}.
--
-- A window is a string with the times of the admissions, the oldest first. A small one is read and written as a whole,
-- because a command costs more than some bytes. Of a large one, a decision reads and writes only some bytes. A header of
-- 12 bytes comes first: the time that the others are relative to, as a double, and the number of times at the front that
-- have left the window. Each time takes 4 bytes, in microseconds modulo 2^32. All times that count are within a minute of
-- each other, so that this is enough.

local WINDOW = 60000000
-- In milliseconds. A second longer than the window, because the server removes keys by another clock reading.
local EXPIRY = 61000
local HEADER = 12
local WRAP = 4294967296
-- The number of bytes that are read first. A shorter string is small.
local PREFIX = 1024

local now = tonumber(ARGV[2 * #KEYS + 1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end

local function header(window)
    return struct.pack('<dI4', window.base, window.first)
end

local function time_at(window, index)
    local start = HEADER + 4 * index
    if start + 4 <= #window.prefix then
        return (struct.unpack('<I4', window.prefix, start + 1))
    end
    return (struct.unpack('<I4', redis.call('GETRANGE', window.key, start, start + 3)))
end

local function age_at(window, index)
    return window.newest_age + (window.newest - time_at(window, index)) % WRAP
end

local function has_left(window, index)
    return age_at(window, index) >= WINDOW
end

-- Finds the first time that counts, at or after `window.first`. The last time counts. Looks at a number of times that
-- grows with the logarithm of how many have left.
local function skip_left(window)
    local low, high = window.first, window.total - 1
    if not has_left(window, low) then
        return
    end
    local step = 1
    while low + step < high and has_left(window, low + step) do
        low, step = low + step, 2 * step
    end
    high = math.min(low + step, high)
    while high - low > 1 do
        local middle = math.floor((low + high) / 2)
        if has_left(window, middle) then
            low = middle
        else
            high = middle
        end
    end
    window.first, window.moved = high, true
end

local function read(key)
    local window = { key = key, first = 0, total = 0 }
    window.prefix = redis.call('GETRANGE', key, 0, PREFIX - 1)
    local length = #window.prefix
    if length == 0 then
        return window
    end
    window.is_small = length < PREFIX
    if not window.is_small then
        length = redis.call('STRLEN', key)
    end
    window.base, window.first = struct.unpack('<dI4', window.prefix)
    window.total = (length - HEADER) / 4
    window.newest = time_at(window, window.total - 1)
    window.newest_age = now - window.base - window.newest
    if window.newest_age < 0 then
        -- The clock went back. The times go back with it, so that the last admission was made just now.
        window.base, window.newest_age = now - window.newest, 0
        redis.call('SETRANGE', key, 0, header(window))
        redis.call('PEXPIRE', key, EXPIRY)
    end
    if window.newest_age >= WINDOW then
        window.first = window.total
    else
        skip_left(window)
    end
    return window
end

local function record(window, used, cost)
    if used == 0 then
        window.base, window.first = now, 0
        local times = string.rep(struct.pack('<I4', 0), cost)
        redis.call('SET', window.key, header(window) .. times, 'PX', EXPIRY)
        return
    end
    local time = now - window.base
    if time >= WRAP then
        window.base, window.moved = window.base + time - time % WRAP, true
        time = time % WRAP
    end
    local times = string.rep(struct.pack('<I4', time), cost)
    if window.is_small or window.first >= used then
        -- Of a large string, at least half is unused.
        local start, counted = HEADER + 4 * window.first
        if window.is_small then
            counted = string.sub(window.prefix, start + 1)
        else
            counted = redis.call('GETRANGE', window.key, start, -1)
        end
        window.first = 0
        redis.call('SET', window.key, header(window) .. counted .. times, 'PX', EXPIRY)
        return
    end
    if window.moved then
        redis.call('SETRANGE', window.key, 0, header(window))
    end
    redis.call('APPEND', window.key, times)
    redis.call('PEXPIRE', window.key, EXPIRY)
end

local charges = {}
for number, key in ipairs(KEYS) do
    local limit, cost = tonumber(ARGV[2 * number - 1]), tonumber(ARGV[2 * number])
    local window = read(key)
    local used = window.total - window.first
    if cost > limit then
        return { number, WINDOW, now }
    end
    if used + cost > limit then
        -- There is room when the oldest `used + cost - limit` admissions have left.
        return { number, WINDOW - age_at(window, window.first + used + cost - limit - 1), now }
    end
    charges[number] = { window = window, used = used, limit = limit, cost = cost }
end

local first = charges[1]
local oldest_age = 0
if first.used > 0 then
    oldest_age = age_at(first.window, first.window.first)
end
for _, charge in ipairs(charges) do
    record(charge.window, charge.used, charge.cost)
end
return { 0, math.max(first.limit - first.used - first.cost, 0), WINDOW - oldest_age, now }
