-- Fold a batch of reports into a job's state and append the events it comes to: one atomic
-- step. The same rules stand in Python. Each section below names its twin there, and the tests
-- compare what both make of the same reports. The constants (names in capitals) are no part of
-- this file: script.py puts them before it.
--
-- KEYS  1 log  2 state  3 items  4 feed log  5 feed state
-- ARGV  1 attempt       2 job id       3 `"jobId":…,"attempt":…` as JSON, without braces
--       4 reports       5 events kept  6 feed events kept
--       7 seconds a live log lasts     8 seconds an ended log lasts
--       9 now in microseconds, 0 for this server's clock     10 11 epoch and seq last seen
-- Returns {verdict, epoch, seq, attempt, cancel requested, lost}
--
-- Each report is a line. JSON holds no raw control characters, so tabs and newlines divide.
--   I <status letter> <item key> <at> <took> <event>      S <status> <at> <reason> <event>
--   E <at> <event> <failure>                              T <total> <at>
--   N <at> <note, JSON> <event>                           R <at> <value, JSON> <event>
--   P <index> <at> <weight before> <weight> <in all> <total> <phase, JSON>     X <index> <at>
--   C <done> <at> <total>
-- An item's key is its kind and its id, escaped as in JSON, with a \31 between them.

-- == The call: keys, arguments, the time ==
-- twin: memory.MemoryLog.append
local log, state, items, feed_log, feed_state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local call = redis.call
local attempt, job_id, head = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local now = tonumber(ARGV[9])
if now == 0 then
  local time = call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- == The state as it is stored ==
-- twin: rules.stored.job_snapshot
local TEXTS = {status = true, reason = true, phase = true, counts = true, progress = true,
  feed_due = true, fed = true, cancel = true, running = true, failures = true, error = true,
  slowest = true, note = true, result = true, at = true}
local s, changed = {}, {}
do
  local stored = call('HGETALL', state)
  for i = 1, #stored, 2 do
    local name = stored[i]
    s[name] = TEXTS[name] and stored[i + 1] or tonumber(stored[i + 1])
  end
end

local function set(name, value)
  if s[name] ~= value then
    s[name] = value
    changed[name] = true
  end
end

local function whole(n) return string.format('%.0f', n) end
local function number(n) return n == math.floor(n) and whole(n) or string.format('%.14g', n) end
-- 17 digits name a double exactly: the number that is read back is the same.
local function exact(n) return n == math.floor(n) and whole(n) or string.format('%.17g', n) end

-- == Writers that come too late are refused before anything is touched ==
-- twin: memory.MemoryLog._job_for
if s.attempt and attempt < s.attempt then
  return {'stale', whole(s.epoch), whole(s.seq), s.attempt, 0, 0}
end
if s.status and TERMINAL[s.status] then
  return {'ended', whole(s.epoch), whole(s.seq), s.attempt, 0, 0}
end

s.known, s.succeeded, s.failed = s.known or 0, s.succeeded or 0, s.failed or 0
s.own_done = s.own_done or 0

-- twin: rules.state.JobState.done
local function done() return math.max(s.own_done, s.succeeded + s.failed) end

-- == The epoch ==
-- twin: memory.MemoryLog._job_for, memory.record.Record.has_lost_entries
-- The epoch is new when there is no state, when the server lost the stream or the items beside
-- it, and when this writer was told a position that the log has no longer (a restart or a
-- failover took it). Items without a state count for nothing, and so does a state without items.
local seen_epoch, seen_seq = tonumber(ARGV[10]), tonumber(ARGV[11])
local behind = s.epoch and seen_epoch >= s.epoch and (seen_epoch > s.epoch or seen_seq > s.seq)
local has_log, has_items = s.epoch and s.seq > 0, s.epoch and s.known > 0
local items_lost, log_lost = false, false
-- The server nearly always has both, so one call asks for both.
if not (has_log and has_items and call('EXISTS', log, items) == 2) then
  items_lost = has_items and call('EXISTS', items) == 0
  log_lost = has_log and call('EXISTS', log) == 0
end
local is_new = not s.epoch or behind or items_lost or log_lost
-- Of a user that may not do all that an append does, nothing is written; a command that was renamed
-- raises here. Redis 6.2 cannot be asked.
if is_new and redis.acl_check_cmd then
  for _, may in ipairs({{'HSET', state, 'at', ''}, {'HSETNX', state, 'at', ''}, {'HDEL', state, 'at'},
      {'DEL', log}, {'EXPIRE', log, '1'}, {'XADD', log, '*', 'e', ''}, {'XTRIM', log, 'MAXLEN', '1'},
      {'HMGET', items, 'x'}, {'XADD', feed_log, '*', 'e', ''}, {'HGET', feed_state, 'at'}}) do
    if not redis.acl_check_cmd(unpack(may)) then
      return redis.error_reply('NOPERM this user may not run ' .. may[1] .. ' on the keys of a log')
    end
  end
end
if is_new then
  if not s.epoch then
    call('DEL', items)
    set('keyed', 1)
  end
  set('epoch', math.max(now, (s.epoch or 0) + 1, seen_epoch + 1))
  set('seq', 0)
  call('DEL', log)
end
-- == Items that the server lost ==
-- twin: rules.state.JobState.lose_items
if items_lost then
  set('known', 0)
  set('succeeded', 0)
  set('failed', 0)
  if s.rate then call('HDEL', state, 'rate') end
  s.rate = nil
  set('rate_at', now)
  set('began_at', now)
  set('rate_done', done())
  set('began_done', done())
end
-- twin: memory.MemoryLog.append
local lost = (seen_epoch > 0 and seen_epoch ~= s.epoch) and 1 or 0

-- A log that an earlier version began names its items by their ids alone, to its end.
local by_id = not s.keyed

-- == The lists of a snapshot: the newest items in progress, the newest failed ones, the slowest ==
-- twin: rules.snapshot._item_changes
-- Two lists are lines of an item's key and its event, oldest first. Within an attempt an item leaves
-- the failed ones only if the server lost the items and a writer then reports that item again.
local running
local function load_running()
  if running then return end
  running = {}
  for id, document in string.gmatch(s.running or '', '([^\t]*)\t([^\n]*)\n') do
    running[#running + 1] = {id, document}
  end
end
local function stop_running(id)
  load_running()
  for i, item in ipairs(running) do
    if item[1] == id then
      table.remove(running, i)
      return
    end
  end
end
local function list_running(id, document)
  stop_running(id)
  running[#running + 1] = {id, document}
  if #running > MAX_LISTED then table.remove(running, 1) end
end
local function forget_failure(id)
  local text = '\n' .. (s.failures or '')
  local from = string.find(text, '\n' .. id .. '\t', 1, true)
  if not from then return end
  local to = string.find(text, '\n', from + 1, true)
  set('failures', string.sub(text, 2, from) .. string.sub(text, to + 1))
end
local function list_failure(id, document)
  local text = (s.failures or '') .. id .. '\t' .. document .. '\n'
  local _, count = string.gsub(text, '\n', '')
  if count > MAX_LISTED then text = string.sub(text, string.find(text, '\n', 1, true) + 1) end
  set('failures', text)
end

-- Lines of how long an item took, its key and its event, the slowest first.
local function list_slow(took, id, document)
  local count = s.slow_count or 0
  if count >= MAX_SLOWEST and took <= s.slow_least then return end
  local slowest, at = {}, nil
  for seconds, other, line in string.gmatch(s.slowest or '', '([^\t]*)\t([^\t]*)\t([^\n]*)\n') do
    if other ~= id then slowest[#slowest + 1] = {tonumber(seconds), other, line, seconds} end
  end
  for i = #slowest, 1, -1 do
    if slowest[i][1] < took then at = i end
  end
  table.insert(slowest, at or #slowest + 1, {took, id, document, exact(took)})
  slowest[MAX_SLOWEST + 1] = nil
  local text = {}
  for i, item in ipairs(slowest) do text[i] = item[4] .. '\t' .. item[2] .. '\t' .. item[3] .. '\n' end
  set('slowest', table.concat(text))
  set('slow_count', #slowest)
  set('slow_least', slowest[#slowest][1])
end

-- == An attempt begins; a renewal begins none ==
-- twin: rules.state.JobState._begin_attempt, rules.snapshot.fold
local begins = ARGV[4] ~= '' and attempt > (s.attempt or 0)
if begins then
  if s.attempt then
    call('HDEL', state, 'fraction', 'phase', 'phase_index', 'phase_total', 'rate', 'error', 'note',
      'result', 'slowest', 'slow_count', 'slow_least')
    set('running', '')
    set('failures', '')
  end
  set('attempt', attempt)
  set('failed', 0)
  set('known', s.succeeded)
  set('own_done', 0)
  s.fraction, s.phase, s.phase_index, s.phase_total, s.rate, s.error, s.note, s.result, s.slowest,
    s.slow_count, s.slow_least = nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil
  set('rate_at', now)
  set('began_at', now)
  set('rate_done', done())
  set('began_done', done())
end

-- == Positions ==
-- twin: memory.record.Record.add
local messages = {}
local first = s.seq + 1
local epoch_text = whole(s.epoch)
local position = epoch_text .. '-'
local function add(document, at)
  local seq = s.seq + 1
  set('at', at)
  set('seq', seq)
  -- Lua writes a number below 1e14 without an exponent, and no log holds 1e14 events.
  call('XADD', log, position .. seq, 'e', document)
  messages[#messages + 1] = document
end

-- == The lines of the batch ==
-- twin: rules.batch.encode
-- Plain finds: a pattern costs several times as much for every character of a document.
local find, sub, byte = string.find, string.sub, string.byte
local ITEM = byte('I')
local lines = {}
local ids, asked = {}, {}
do
  local text, from = ARGV[4], 1
  while from <= #text do
    local to = find(text, '\n', from, true)
    if byte(text, from) == ITEM then
      local id_end = find(text, '\t', from + 4, true)
      local at_end = find(text, '\t', id_end + 1, true)
      local took_end = find(text, '\t', at_end + 1, true)
      local id_begin = by_id and find(text, '\31', from + 4, true) + 1 or from + 4
      local id = sub(text, id_begin, id_end - 1)
      lines[#lines + 1] = {'I', sub(text, from + 2, from + 2), id, sub(text, id_end + 1, at_end - 1),
        tonumber(sub(text, at_end + 1, took_end - 1)), sub(text, took_end + 1, to - 1)}
      if not asked[id] then
        asked[id] = true
        ids[#ids + 1] = id
      end
    else
      lines[#lines + 1] = {sub(text, from, from), sub(text, from, to - 1)}
    end
    from = to + 1
  end
end

-- == Items ==
-- twin: rules.state.JobState._take_item
-- One call reads every item that the batch names; unpack takes some 8,000 values at most.
local known_items = {}
local item_changes = {}
do
  for start = 1, #ids, 1000 do
    local part = {unpack(ids, start, math.min(start + 999, #ids))}
    local found = call('HMGET', items, unpack(part))
    for i, id in ipairs(part) do known_items[id] = found[i] or nil end
  end
end

local function take_item(letter, id, at, took, document)
  local was = known_items[id]
  if was then
    local was_letter, was_attempt = string.sub(was, 1, 1), tonumber(string.sub(was, 2))
    if was_letter == SUCCEEDED then return end
    if was_attempt == attempt then
      if ORDER[letter] <= ORDER[was_letter] then return end
    else
      set('known', s.known + 1)
    end
  else
    set('known', s.known + 1)
    forget_failure(id)
  end
  local value = letter .. whole(attempt)
  known_items[id] = value
  item_changes[id] = value
  if letter == SUCCEEDED then set('succeeded', s.succeeded + 1) end
  if letter == FAILED then set('failed', s.failed + 1) end
  add(document, at)
  if letter == IN_PROGRESS then
    list_running(id, document)
  else
    -- A queued one too: a job whose items were lost reports again what it had begun.
    stop_running(id)
  end
  if letter == FAILED then list_failure(id, document) end
  if took then list_slow(took, id, document) end
end

-- == What the account's feed carries ==
-- twin: rules.feed.FeedPace.take, rules.feed.FeedPace._tell, rules.feed.FeedPace._is_time
local feed_events = {}
local function may_feed_progress()
  local waited = now - (s.feed_at or 0)
  return waited >= FEED_EVERY_US or waited < 0  -- less than nothing: the clock was set back
end
local function holds_back() return s.feed_due and s.feed_due ~= '' end
local function feed_progress(document)
  feed_events[#feed_events + 1] = document
  set('feed_at', now)
  set('feed_due', '')
  set('fed', s.progress)
end

-- == Statuses ==
-- twin: rules.state.JobState._take_status, rules.snapshot._status_changes
local function take_status(status, at, reason, document)
  if status == s.status and reason == (s.reason or '') and s.status_attempt == attempt then
    return
  end
  if status == 'pending' and s.status then return end
  set('status', status)
  set('reason', reason)
  set('status_attempt', attempt)
  if status == 'running' then call('HSETNX', state, 'started_at', at) end
  add(document, at)
  if holds_back() then feed_progress(s.feed_due) end
  feed_events[#feed_events + 1] = document
end

-- == Phases ==
-- twin: rules.state.JobState._take_phase
local function take_phase(index, before, weight, in_all, total, phase)
  if s.phase_index and index <= s.phase_index then return end
  set('phase_index', index)
  set('phase_before', before)
  set('phase_weight', weight)
  set('phase_in_all', in_all)
  set('phase_total', total or -1)
  set('phase_done', done())
  set('phase_over', 0)
  set('phase', phase)
  if total then set('total', (s.total or 0) + total) end
end

-- == The fraction ==
-- twin: rules.state.JobState._fraction
local function fraction_of(count)
  local value
  if s.phase_index then
    local part = 0
    if s.phase_over == 1 then
      part = 1
    elseif s.phase_total > 0 then
      part = math.min(1, (count - s.phase_done) / s.phase_total)
    end
    value = (s.phase_before + s.phase_weight * part) / s.phase_in_all
  elseif s.total then
    value = s.total > 0 and count / s.total or 0
  else
    return s.fraction
  end
  return math.max(s.fraction or 0, math.floor(math.min(1, value) * FRACTION_PARTS) / FRACTION_PARTS)
end

-- == The rate ==
-- twin: rules.rate.Rate.observe
local function observe(count)
  local span = (now - s.rate_at) / 1000000
  if span < 0 then  -- the clock was set back: begin the span anew
    set('rate_at', now)
    set('rate_done', count)
  end
  if span < RATE_STEP_S then return end
  local instant = (count - s.rate_done) / span
  if s.rate then
    instant = s.rate + (1 - math.exp(-span / RATE_MEMORY_S)) * (instant - s.rate)
  end
  set('rate', instant)
  set('rate_at', now)
  set('rate_done', count)
end

-- == The rate and the time left, as they are told ==
-- twin: rules.state.JobState._pace, rules.rate.Rate.mean
local function pace(count, ended)
  local rate = s.rate
  if ended then
    local span = (now - s.began_at) / 1000000
    rate = span > 0 and (count - s.began_done) / span or nil
  end
  if not rate then return '' end
  local text = ',"perSecond":' .. number(math.floor(rate * RATE_PARTS + 0.5) / RATE_PARTS)
  if not ended and rate > 0 and s.total then
    text = text .. ',"etaSeconds":' .. whole(math.ceil((s.total - count) / rate))
  end
  return text
end

-- == A progress event ==
-- twin: rules.state.JobState._progress, rules.state.JobState._counts, rules.state.JobState._has_counts
local function has_counts() return s.known > 0 or s.own_done > 0 or s.phase_index or s.total end

local function progress(at, ended, must)
  local count = done()
  if s.total then set('total', math.max(s.total, s.known, count)) end
  set('fraction', fraction_of(count))
  observe(count)
  if not must and not has_counts() then return end
  local counts = '"done":' .. whole(count) .. ',"total":' .. (s.total and whole(s.total) or 'null')
    .. ',"succeeded":' .. whole(s.succeeded) .. ',"failed":' .. whole(s.failed)
  if s.phase then counts = counts .. ',"phase":' .. s.phase end
  counts = counts .. ',"fraction":' .. (s.fraction and number(s.fraction) or 'null')
  if counts == s.counts and not ended and not must then return end
  set('counts', counts)
  local body = counts .. pace(count, ended)
  set('progress', '{' .. body .. '}')
  local document = '{"type":"progress",' .. head .. ',"at":"' .. at .. '",' .. body .. '}'
  add(document, at)
  if ended or may_feed_progress() then
    feed_progress(document)
  else
    set('feed_due', document)
  end
end

-- == The batch, report by report ==
-- twin: rules.state.JobState.apply, rules.state.JobState._take, rules.state.JobState._end
-- twin: rules.state.JobState._take_error, rules.state.JobState._take_note
-- twin: rules.state.JobState._take_counts
-- twin: rules.state.JobState._take_result, rules.state.JobState._end_phase
local at_last
local ended = false
for _, line in ipairs(lines) do
  local kind = line[1]
  if kind == 'I' then
    at_last = line[4]
    take_item(line[2], line[3], line[4], line[5], line[6])
  elseif kind == 'S' then
    local status, at, reason, document = string.match(line[2], '^S\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    if TERMINAL[status] then
      if status == 'completed' then
        set('total', math.max(s.total or 0, done()))
        if done() == s.total then set('fraction', 1) end
      end
      progress(at, true)
      take_status(status, at, reason, document)
      set('finished_at', at)
      ended = true
      break
    end
    take_status(status, at, reason, document)
  elseif kind == 'E' then
    local at, document, failure = string.match(line[2], '^E\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    if failure ~= s.error then
      set('error', failure)
      add(document, at)
    end
  elseif kind == 'N' or kind == 'R' then
    local at, said, document = string.match(line[2], '^.\t([^\t]*)\t([^\t]*)\t(.*)$')
    local name = kind == 'N' and 'note' or 'result'
    at_last = at
    if said ~= s[name] then
      set(name, said)
      add(document, at)
    end
  elseif kind == 'X' then
    local index, at = string.match(line[2], '^X\t(%d+)\t([^\t]*)$')
    at_last = at
    if tonumber(index) == s.phase_index then set('phase_over', 1) end
  elseif kind == 'T' then
    local total, at = string.match(line[2], '^T\t(%d+)\t([^\t]*)$')
    at_last = at
    set('total', math.max(s.total or 0, tonumber(total)))
  elseif kind == 'P' then
    local index, at, before, weight, in_all, total, phase = string.match(line[2],
      '^P\t(%d+)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    take_phase(tonumber(index), tonumber(before), tonumber(weight), tonumber(in_all),
      tonumber(total), phase)
  elseif kind == 'C' then
    local count, at, total = string.match(line[2], '^C\t(%d+)\t([^\t]*)\t([^\t]*)$')
    at_last = at
    set('own_done', math.max(s.own_done, tonumber(count)))
    if tonumber(total) then set('total', math.max(s.total or 0, tonumber(total))) end
  end
end
-- A reader has to see every attempt begin: what it knew of the last one is void.
if at_last and not ended then progress(at_last, false, begins and #messages == 0) end
if not at_last and holds_back() then feed_progress(s.feed_due) end  -- a renewal

-- == What changed is stored ==
-- twin: rules.stored.job_snapshot
-- One call writes each hash, for it costs less than a call for each field.
local function write_hash(key, fields)
  for start = 1, #fields, 2000 do
    call('HSET', key, unpack(fields, start, math.min(start + 1999, #fields)))
  end
end

local fields = {}
for id, value in pairs(item_changes) do
  fields[#fields + 1] = id
  fields[#fields + 1] = value
end
write_hash(items, fields)

if running then
  if ended then running = {} end
  local lines = {}
  for i, item in ipairs(running) do lines[i] = item[1] .. '\t' .. item[2] .. '\n' end
  set('running', table.concat(lines))
elseif ended then
  set('running', '')
end

-- The keys' lives are long beside the time between two EXPIREs. A key that an append has made
-- lasts for ever without one.
local kept = now - (s.kept_at or 0)
local keep_every_us = math.min(KEEP_EVERY_S, tonumber(ARGV[7]) / KEEPS_IN_A_LIFE) * 1000000
local keeps = ended or is_new or kept < 0 or kept >= keep_every_us
  or (#messages > 0 and not has_log) or (next(item_changes) and not has_items)
if keeps then set('kept_at', now) end

fields = {}
for name in pairs(changed) do
  if s[name] ~= nil then
    fields[#fields + 1] = name
    local value = s[name]
    fields[#fields + 1] = type(value) == 'number' and exact(value) or value
  end
end
write_hash(state, fields)

-- == The stream is trimmed, and what is published is put together ==
-- twin: memory.MemoryLog._publish, log.Retention
local published = {}
if #messages > 0 then
  if math.floor(s.seq / TRIM_EVERY) > math.floor((first - 1) / TRIM_EVERY) then
    call('XTRIM', log, 'MAXLEN', '~', ARGV[5])
  end
  published[1] = {log, epoch_text .. '-' .. whole(first) .. '\n' .. table.concat(messages, '\n')}
end

-- == The account's feed: a log with an epoch and positions of its own ==
-- twin: memory.MemoryLog._feed, rules.snapshot.fold_feed, rules.snapshot._feed_job
-- twin: rules.stored.feed_snapshot
if #feed_events > 0 then
  local place = call('HMGET', feed_state, 'epoch', 'seq')
  local feed_epoch, feed_seq = tonumber(place[1]), tonumber(place[2])
  if not feed_epoch or (feed_seq > 0 and call('EXISTS', feed_log) == 0) then
    feed_epoch = math.max(now, (feed_epoch or 0) + 1)
    feed_seq = 0
    call('DEL', feed_log)
  end
  local feed_first = whole(feed_epoch) .. '-' .. whole(feed_seq + 1)
  for _, document in ipairs(feed_events) do
    feed_seq = feed_seq + 1
    call('XADD', feed_log, 'MAXLEN', '~', ARGV[6], whole(feed_epoch) .. '-' .. whole(feed_seq),
      'e', document)
  end
  call('HSET', feed_state, 'epoch', whole(feed_epoch), 'seq', whole(feed_seq))
  if ended then
    call('HDEL', feed_state, 'j:' .. job_id)
    call('HSET', feed_state, 'at', at_last)
  else
    -- The event's own attempt and time: progress that was held back may be of an earlier attempt.
    local newest = feed_events[#feed_events]
    local at, of_attempt = string.match(newest, '"at":"([^"]*)"'), string.match(newest, '"attempt":(%d+)')
    local status, reason, fed = s.status, s.reason, s.fed
    if not status or not fed then
      -- The job's state was lost, or tells no progress yet: what the feed told last still holds.
      local known = call('HGET', feed_state, 'j:' .. job_id) or 'pending\t\t\t\tnull'
      local old_status, old_reason, old_fed = string.match(known,
        '^([^\t]*)\t[^\t]*\t[^\t]*\t([^\t]*)\t(.*)$')
      if not status then status, reason = old_status, old_reason end
      fed = fed or old_fed
    end
    call('HSET', feed_state, 'j:' .. job_id,
      table.concat({status, of_attempt, at, reason or '', fed}, '\t'))
    call('HSET', feed_state, 'at', at)
  end
  published[#published + 1] = {feed_log, feed_first .. '\n' .. table.concat(feed_events, '\n')}
  call('EXPIRE', feed_log, ARGV[7])
  call('EXPIRE', feed_state, ARGV[7])
end

-- == How long the keys last ==
-- twin: log.Retention
if keeps then
  local seconds = ended and ARGV[8] or ARGV[7]
  call('EXPIRE', log, seconds)
  call('EXPIRE', state, seconds)
  call('EXPIRE', items, seconds)
end

-- == What is stored is published ==
-- twin: memory.MemoryLog._publish
-- Last, and it may fail: a server may refuse a user the channels, and by then all is stored.
for _, message in ipairs(published) do redis.pcall('PUBLISH', message[1], message[2]) end
return {'ok', epoch_text, whole(s.seq), attempt, s.cancel and 1 or 0, lost}
