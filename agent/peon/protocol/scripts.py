"""The atomic steps of the queue and the event stream, as Redis Lua scripts.

Every script runs on Redis 6.2 and newer. Time is Redis's own, so that clocks of hosts do not matter.
"""

_NOW_MS = """
local t = redis.call('TIME')
local now_ms = t[1] * 1000 + math.floor(t[2] / 1000)
"""

_WISH = """
local rank = {cordon = 1, restart = 2, drain = 3, stop = 4}
local function wish(key, worker, machine)
  local own = redis.call('HGET', key, worker) or ''
  local of_machine = machine ~= '' and redis.call('HGET', key, 'machine:' .. machine) or ''
  return (rank[own] or 0) > (rank[of_machine] or 0) and own or of_machine
end
"""

ENQUEUE = """
-- KEYS: queue, tokens, wake, bell   ARGV: member, token, priority, turn
-- `turn` says how many older jobs of the same user stand in this priority class. The job goes that many rounds behind the
-- head, so that users alternate: a new user's first job does not wait for all of somebody else's. Within a round the
-- oldest goes first: members with equal scores are ordered by their ids, which begin with the time.
-- Returns 1 when added, 0 when it was waiting already (its place is kept).
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local rounds = 1099511627776
local first = -tonumber(ARGV[3]) * rounds
local head = redis.call('ZRANGEBYSCORE', KEYS[1], first, first + rounds - 1, 'WITHSCORES', 'LIMIT', 0, 1)
local score = (tonumber(head[2]) or first) + tonumber(ARGV[4])
redis.call('ZADD', KEYS[1], score, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('LPUSH', KEYS[3], '1')
redis.call('LTRIM', KEYS[3], 0, 255)
redis.call('ZADD', KEYS[4], score, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[4], 256, -1)
return 1
"""

REMOVE = """
-- KEYS: queue, tokens   ARGV: member
-- Returns 1 when it was still waiting, 0 when it was claimed or never there.
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
"""

SAY = (
    """
-- KEYS: workers, wishes   ARGV: worker id, a JSON object of what it says of itself, machine id or ''
-- Adds when it was said, by the clock of Redis, so that clocks of hosts do not matter. Returns what is wished, or ''.
redis.replicate_commands()
"""
    + _NOW_MS
    + _WISH
    + """
local text = string.sub(ARGV[2], 1, -2) .. ',"seen_at":' .. string.format('%.3f', now_ms / 1000) .. '}'
redis.call('HSET', KEYS[1], ARGV[1], text)
return wish(KEYS[2], ARGV[1], ARGV[3])
"""
)

CLAIM = (
    """
-- KEYS: leases, holders, wishes, then (queue, tokens) per queue in order
-- ARGV: worker id, lease ms, machine id or '' (may be left out)
-- Pops the first job of the first queue that has one and grants its lease in the same step, so that a worker that
-- dies right after loses nothing. Returns {member, token, index of the queue from 0} or false; {'', wish} when
-- something else is wished of the worker: whoever has written the wish finds it either with a lease or without a job.
redis.replicate_commands()
"""
    + _NOW_MS
    + _WISH
    + """
local wished = wish(KEYS[3], ARGV[1], ARGV[3] or '')
if wished ~= '' then return {'', wished} end
for i = 4, #KEYS, 2 do
  local popped = redis.call('ZPOPMIN', KEYS[i])
  if #popped > 0 then
    local member = popped[1]
    local token = redis.call('HGET', KEYS[i + 1], member) or ''
    redis.call('HDEL', KEYS[i + 1], member)
    redis.call('ZADD', KEYS[1], now_ms + tonumber(ARGV[2]), member)
    redis.call('HSET', KEYS[2], member, ARGV[1])
    return {member, token, (i - 4) / 2}
  end
end
return false
"""
)

CLAIM_MEMBER = (
    """
-- KEYS: leases, holders, queue, tokens   ARGV: worker id, lease ms, member
-- Takes exactly this job out of its queue and grants its lease in the same step. Returns {member, token}, or false when it
-- does not wait there: it was taken, stopped, or never there.
redis.replicate_commands()
"""
    + _NOW_MS
    + """
if redis.call('ZREM', KEYS[3], ARGV[3]) == 0 then return false end
local token = redis.call('HGET', KEYS[4], ARGV[3]) or ''
redis.call('HDEL', KEYS[4], ARGV[3])
redis.call('ZADD', KEYS[1], now_ms + tonumber(ARGV[2]), ARGV[3])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[1])
return {ARGV[3], token}
"""
)

HEARTBEAT = (
    """
-- KEYS: leases, holders, control, head   ARGV: member, worker id, lease ms, epoch
-- Extends the lease (or takes it again after Redis lost it) unless a newer epoch fenced this one.
-- Returns {'fenced'} or {'ok', control or '', acked_seq or '-1'}.
redis.replicate_commands()
"""
    + _NOW_MS
    + """
local epoch = redis.call('HGET', KEYS[4], 'epoch')
if epoch and tonumber(epoch) > tonumber(ARGV[4]) then return {'fenced'} end
redis.call('ZADD', KEYS[1], now_ms + tonumber(ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {'ok', redis.call('GET', KEYS[3]) or '', redis.call('HGET', KEYS[4], 'acked_seq') or '-1'}
"""
)

HOLD = (
    """
-- KEYS: lock   ARGV: who, for how many ms
-- Returns 1 when the lock is theirs from now on, 0 when somebody else has it. A hash, and not a string that expires: users of
-- enrolled workers may neither set nor delete a key.
redis.replicate_commands()
"""
    + _NOW_MS
    + """
local lock = redis.call('HMGET', KEYS[1], 'holder', 'until')
if lock[1] and lock[1] ~= ARGV[1] and tonumber(lock[2]) > now_ms then return 0 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now_ms + tonumber(ARGV[2]))
return 1
"""
)

LET_GO = """
-- KEYS: lock   ARGV: who
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('HDEL', KEYS[1], 'holder', 'until') end
return 1
"""

RELEASE = """
-- KEYS: leases, holders   ARGV: member
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
"""

OPEN_EVENTS = """
-- KEYS: head   ARGV: epoch, next_seq, next_line
-- Says where the next append belongs, after a claim or after Redis lost the stream; a head that exists with the same
-- epoch stays as it is. Returns 1, or 0 when a newer epoch stands there.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch then
  if tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
  if tonumber(epoch) == tonumber(ARGV[1]) then return 1 end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'next_seq', ARGV[2], 'next_line', ARGV[3], 'acked_seq', ARGV[2])
return 1
"""

FENCE = """
-- KEYS: head, leases, holders   ARGV: epoch, member
-- From now on appends and heartbeats of epochs below ARGV epoch are refused, and the lease of `member` is gone.
redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('HDEL', KEYS[3], ARGV[2])
return 1
"""

APPEND = """
-- KEYS: stream, head, dirty list, dirty set
-- ARGV: epoch, first_seq, count, first_line, lines, body, max entries, execution id, notice channel
-- Returns one of
--   {'ok', next_seq, acked_seq}   appended
--   {'unknown'}                   Redis lost the head: ask the server for the cursor, OPEN_EVENTS, send again from there
--   {'fenced'}                    a newer epoch took over: stop the job
--   {'seq', next_seq}             the batch does not continue the stream: send from next_seq
--   {'full', acked_seq}           wait until ingest has caught up, then send again
local head = redis.call('HMGET', KEYS[2], 'epoch', 'next_seq', 'next_line', 'acked_seq')
if not head[1] or not head[2] then return {'unknown'} end
if tonumber(head[1]) > tonumber(ARGV[1]) then return {'fenced'} end
if tonumber(head[2]) ~= tonumber(ARGV[2]) then return {'seq', head[2]} end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[7]) then return {'full', head[4] or '0'} end
redis.call('XADD', KEYS[1], '*', 's', ARGV[2], 'n', ARGV[3], 'l', ARGV[4], 'm', ARGV[5], 'b', ARGV[6])
local next_seq = tonumber(ARGV[2]) + tonumber(ARGV[3])
redis.call('HSET', KEYS[2], 'next_seq', next_seq, 'next_line', tonumber(ARGV[4]) + tonumber(ARGV[5]))
if redis.call('SADD', KEYS[4], ARGV[8]) == 1 then redis.call('RPUSH', KEYS[3], ARGV[8]) end
redis.call('PUBLISH', ARGV[9], '{"kind":"log"}')
return {'ok', next_seq, head[4] or '0'}
"""
