-- Counts requests against rate limits: all charges if each is within its limit, otherwise none.
--
-- KEYS  the windows, one for each charge
-- ARGV  the limit and the cost of each charge; then, only in tests, the time in microseconds
--
-- Returns 20 bytes: three numbers of 4 bytes and one of 8, little endian. If all charges were counted, these are 0,
-- what remains of the first limit, the microseconds until the oldest counted request of the first charge leaves its
-- window, and the time. Otherwise they are the number of the first charge that exceeds its limit, 0, the microseconds
-- to wait, and the time.
--
-- A window is a string: the times of the admissions, the oldest first, and a trailer. So one command reads what a
-- decision needs, and one command, which overwrites the trailer, adds an admission. A time has 4 bytes and is in
-- microseconds modulo 2^32. That is enough because the times that count are within a minute of each other. The trailer
-- has 28 bytes:
--
--     newest  the time of the last admission, in microseconds
--     shift   what is added to the clock's time, because the clock went back since the first of the times
--     oldest  the first time that counts, modulo 2^32
--     first   the number of times at the front that have left the window
--     total   the number of times
--
-- The server runs all lines anew for each request, and a command, a table or a function costs as much as ten other
-- lines. So numbers are written out: 60000000 microseconds are the length of a window, 4294967296 is 2^32, and 121000
-- milliseconds are the expiry. The first admission in each minute of the clock sets the expiry. Therefore a window
-- stays for at least 61 seconds after the last admission. The 61st is there because expiry and `TIME` may read
-- the clock at slightly different moments.

-- Counts the charge with this number and all after it, or none of them. Returns the reply, or nothing if they were
-- counted and the first charge is not among them.
local function take(number, now)
    local key, limit, cost = KEYS[number], tonumber(ARGV[2 * number - 1]), tonumber(ARGV[2 * number])
    local time, newest, shift, oldest, first, total = now, 0, 0, 0, 0, 0
    local trailer = redis.call('GETRANGE', key, '-28', '-1')
    if trailer ~= '' then
        newest, shift, oldest, first, total = struct.unpack('<ddI4I4I4', trailer)
        time = now + shift
        if time < newest then
            -- The clock went back. The window continues as if the last admission was made just now.
            time, shift = newest, newest - now
            redis.call('SETRANGE', key, 4 * total, struct.pack('<ddI4I4I4', newest, shift, oldest, first, total))
            redis.call('PEXPIRE', key, '121000')
        end
        if time - newest >= 60000000 then
            first = total
        elseif (time - oldest) % 4294967296 >= 60000000 then
            -- Find the first time that counts. The last one does. The number of times that are read grows with the
            -- logarithm of how many have left.
            local function time_at(index)
                return (struct.unpack('<I4', redis.call('GETRANGE', key, 4 * index, 4 * index + 3)))
            end
            local low, high, step = first, total - 1, 1
            while low + step < high and (time - time_at(low + step)) % 4294967296 >= 60000000 do
                low, step = low + step, 2 * step
            end
            high = math.min(low + step, high)
            while high - low > 1 do
                local middle = math.floor((low + high) / 2)
                if (time - time_at(middle)) % 4294967296 >= 60000000 then
                    low = middle
                else
                    high = middle
                end
            end
            first, oldest = high, time_at(high)
        end
    end

    local used = total - first
    if cost > limit then
        return struct.pack('<I4I4I4I8', number, 0, 60000000, now)
    end
    if used + cost > limit then
        -- There is room when the oldest `used + cost - limit` admissions have left. This is the time of the last of
        -- them.
        local index = first + used + cost - limit - 1
        local leaves = struct.unpack('<I4', redis.call('GETRANGE', key, 4 * index, 4 * index + 3))
        return struct.pack('<I4I4I4I8', number, 0, 60000000 - (time - leaves) % 4294967296, now)
    end
    if number < #KEYS then
        local denied = take(number + 1, now)
        if denied then
            return denied
        end
    end

    local is_first_in_this_minute = newest - shift < now - now % 60000000
    if used == 0 then
        time, shift, oldest = now, 0, now % 4294967296
    end
    local times = struct.pack('<I4', time % 4294967296)
    if cost > 1 then
        times = string.rep(times, cost)
    end
    if 2 * first < used then
        trailer = struct.pack('<ddI4I4I4', time, shift, oldest, first, total + cost)
        redis.call('SETRANGE', key, 4 * total, times .. trailer)
    else
        -- At least a third of the times have left.
        if used > 0 then
            times = redis.call('GETRANGE', key, 4 * first, 4 * total - 1) .. times
        end
        trailer = struct.pack('<ddI4I4I4', time, shift, oldest, 0, used + cost)
        redis.call('SET', key, times .. trailer, 'KEEPTTL')
    end
    if is_first_in_this_minute then
        redis.call('PEXPIRE', key, '121000')
    end
    if number == 1 then
        return struct.pack('<I4I4I4I8', 0, limit - used - cost, 60000000 - (time - oldest) % 4294967296, now)
    end
end

local now = tonumber(ARGV[2 * #KEYS + 1])
if not now then
    local clock = redis.call('TIME')
    now = clock[1] * 1000000 + clock[2]
end
return take(1, now)
