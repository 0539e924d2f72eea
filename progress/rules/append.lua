-- Fold a batch of reports into a job's state and append the events it comes to: one atomic
-- step. The same rules stand in Python. Each section below names its twin there, and the tests
-- compare what both make of the same reports. The constants (names in capitals) are no part of
-- this file: script.py puts them before it.
--
-- KEYS  1 log  2 state  3 items  4 feed log  5 feed state  6 run
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
--   C <done> <at> <total>          B <part> <at>          D <part> <at> <outcome>
-- An item's key is its kind and its id, escaped as in JSON, with a \31 between them.

-- == The call: keys, arguments, the time ==
-- twin: memory.MemoryLog.append
local log, state, items, feed_log, feed_state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local run = KEYS[6]
local call, find, sub, byte = redis.call, string.find, string.sub, string.byte
local attempt, job_id, head = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local now = tonumber(ARGV[9])
if now == 0 then
  local time = call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- == The state as it is stored ==
-- twin: rules.stored.job_snapshot, rules.stored.numbers
-- All numbers of a state are one field, eight bytes each, which every append writes; script.py names
-- them and spells out how they are read and written. The total, the fraction and the rate are -1
-- while unknown. A text is a field of its own, which is written if it changed. Few appends need more
-- texts than the first five.
local stored = call('HMGET', state, 'numbers', 'status', 'progress', 'phase', 'cancel')
local s, changed = read_numbers(stored[1] or ''), {}
local function write(name, value)
  if s[name] ~= value then
    s[name] = value
    changed[name] = true
  end
end
local function text(name)
  if s[name] == nil then s[name] = call('HGET', state, name) or '' end
  return s[name]
end

local function whole(n) return string.format('%.0f', n) end
local function number(n) return n == math.floor(n) and whole(n) or string.format('%.14g', n) end
-- 17 digits name a double exactly: the number that is read back is the same.
local function exact(n) return n == math.floor(n) and whole(n) or string.format('%.17g', n) end

-- An earlier version's script would take this form for no state, and begin the log anew. It is told
-- of an attempt that is later than its own.
local function refuse_earlier_writers()
  call('HSET', state, 'epoch', '0', 'seq', '0', 'attempt', '9007199254740991')
end

-- A state that an earlier version wrote has a field for each number, and lists that end with a
-- newline instead of beginning with one.
local function read_earlier_form()
  s.total, s.fraction, s.rate = -1, -1, -1
  local earlier, names = {}, {}
  for i, value in ipairs(call('HGETALL', state)) do
    if i % 2 == 1 then names[#names + 1] = value else earlier[names[#names]] = value end
  end
  call('DEL', state)
  local held_back = earlier.feed_due or ''
  for name, number in pairs(s) do
    if number then
      s[name] = tonumber(earlier[name]) or number
      earlier[name] = nil
    end
  end
  for _, name in ipairs({'running', 'failures', 'slowest'}) do
    local lines = earlier[name] or ''
    local _, count = string.gsub(lines, '\n', '')
    s[name .. '_count'] = count
    earlier[name] = count > 0 and '\n' .. string.sub(lines, 1, -2) or nil
  end
  if held_back ~= '' then s.feed_due, earlier.progress = 1, held_back end
  earlier.counts, earlier.slow_count, s.kept_at = nil, nil, 0
  for name, value in pairs(earlier) do write(name, value) end
  refuse_earlier_writers()
end

if stored[1] then
  s.status, s.progress, s.phase, s.cancel = unpack(stored, 2)
elseif call('HEXISTS', state, 'epoch') == 1 then
  read_earlier_form()
else
  s.total, s.fraction, s.rate, s.cancel = -1, -1, -1, stored[5]
end

-- == Writers that come too late are refused before anything is touched ==
-- twin: memory.MemoryLog._job_for
local seen_epoch, seen_seq = tonumber(ARGV[10]), tonumber(ARGV[11])
local past_epoch = 0
if seen_epoch ~= s.epoch or s.epoch == 0 then past_epoch = tonumber(call('HGET', state, 'past_epoch')) or 0 end
if attempt < s.attempt or (seen_epoch > 0 and seen_epoch <= past_epoch) then
  return {'stale', whole(s.epoch), whole(s.seq), s.attempt, 0, 0}
end
if s.status and TERMINAL[s.status] then
  return {'ended', whole(s.epoch), whole(s.seq), s.attempt, 0, 0}
end

-- twin: rules.state.JobState.done
local function done() return math.max(s.own_done, s.succeeded + s.failed) end

-- == The epoch ==
-- twin: memory.MemoryLog._job_for, memory.record.Record.has_lost_entries
-- The epoch is new when there is no state, when the server lost the stream or the items beside
-- it, and when this writer was told a position that the log has no longer (a restart or a
-- failover took it). Items without a state count for nothing, and so does a state without items.
local is_known = s.epoch > 0
local behind = is_known and seen_epoch >= s.epoch and (seen_epoch > s.epoch or seen_seq > s.seq)
local has_log, has_items = is_known and s.seq > 0, is_known and s.known > 0
local has_run = is_known and s.points > 0
local items_lost, log_lost = false, false
-- The server nearly always has all that it should have, so one call asks for all.
if not (has_log and has_run and (has_items and call('EXISTS', log, items, run) == 3
    or not has_items and call('EXISTS', log, run) == 2)) then
  items_lost = has_items and call('EXISTS', items) == 0
  log_lost = has_log and call('EXISTS', log) == 0
  if has_run and call('EXISTS', run) == 0 then
    -- What is left of the run is told as if it had begun now.
    s.run_attempt, s.points, s.point_at, s.point_every, has_run = 0, 0, 0, 0, false
  end
end
local is_new = not is_known or behind or items_lost or log_lost
-- A user that may not do all that an append does writes nothing. A command that was renamed raises
-- here. Redis 6.2 cannot be asked.
if is_new and redis.acl_check_cmd then
  for _, may in ipairs({{'HSET', state, 'at', ''}, {'HSETNX', state, 'at', ''}, {'HDEL', state, 'at'},
      {'DEL', log}, {'EXPIRE', log, '1'}, {'XADD', log, '*', 'e', ''}, {'XTRIM', log, 'MAXLEN', '1'},
      {'HMGET', items, 'x'}, {'HGET', run, 'x'}, {'HSETNX', run, 'x', ''}, {'XADD', feed_log, '*', 'e', ''},
      {'HGET', feed_state, 'at'}}) do
    if not redis.acl_check_cmd(unpack(may)) then
      return redis.error_reply('NOPERM this user may not run ' .. may[1] .. ' on the keys of a log')
    end
  end
end
if is_new then
  if not is_known then
    call('DEL', items, run)
    s.keyed = 1
    refuse_earlier_writers()
  end
  s.epoch = math.max(now, s.epoch + 1, seen_epoch + 1, past_epoch + 1)
  s.seq = 0
  call('DEL', log)
end
-- == Items that the server lost ==
-- twin: rules.state.JobState.lose_items
if items_lost then
  s.known = 0
  s.succeeded = 0
  s.failed = 0
  s.rate = -1
  s.rate_at = now
  s.began_at = now
  s.rate_done = done()
  s.began_done = done()
end
-- twin: memory.MemoryLog.append
local lost = (seen_epoch > 0 and seen_epoch ~= s.epoch) and 1 or 0

-- A log that an earlier version began names its items by their ids alone, to its end.
local by_id = s.keyed == 0

-- == The lists of a snapshot: the newest items in progress, the newest failed ones, the slowest ==
-- twin: rules.snapshot._item_changes
-- Each list is lines of an item's key and its event, oldest first, and each line begins with the
-- newline. Within an attempt an item leaves the failed ones only if the server lost the items and a
-- writer then reports that item again.
local function take_off(list, id)
  local lines = text(list)
  local from = find(lines, '\n' .. id .. '\t', 1, true)
  if not from then return end
  local to = find(lines, '\n', from + 1, true) or #lines + 1
  write(list, sub(lines, 1, from - 1) .. sub(lines, to))
  local count = list .. '_count'
  s[count] = s[count] - 1
end
local function put_on(list, id, document)
  local lines, count = text(list) .. '\n' .. id .. '\t' .. document, list .. '_count'
  s[count] = s[count] + 1
  if s[count] > MAX_LISTED then
    lines = sub(lines, (find(lines, '\n', 2, true)))
    s[count] = MAX_LISTED
  end
  write(list, lines)
end

-- Lines of how long an item took, its key and its event, the slowest first.
local function list_slow(took, id, document)
  if s.slowest_count >= MAX_SLOWEST and took <= s.slow_least then return end
  local slowest, at = {}, nil
  for seconds, other, line in string.gmatch(text('slowest'), '\n([^\t]*)\t([^\t]*)\t([^\n]*)') do
    if other ~= id then slowest[#slowest + 1] = {tonumber(seconds), other, line, seconds} end
  end
  for i = #slowest, 1, -1 do
    if slowest[i][1] < took then at = i end
  end
  table.insert(slowest, at or #slowest + 1, {took, id, document, exact(took)})
  slowest[MAX_SLOWEST + 1] = nil
  local lines = {}
  for i, item in ipairs(slowest) do lines[i] = '\n' .. item[4] .. '\t' .. item[2] .. '\t' .. item[3] end
  write('slowest', table.concat(lines))
  s.slowest_count = #slowest
  s.slow_least = slowest[#slowest][1]
end

-- == An attempt begins; a renewal begins none ==
-- twin: rules.state.JobState._begin_attempt, rules.snapshot.fold
local begins = ARGV[4] ~= '' and attempt > s.attempt
if begins then
  if s.attempt > 0 then
    call('HDEL', state, 'phase', 'error', 'note', 'result', 'running', 'failures', 'slowest')
    s.phase, s.error, s.note, s.result, s.running, s.failures, s.slowest = '', '', '', '', '', '', ''
    s.running_count, s.failures_count, s.slowest_count = 0, 0, 0
    s.fraction, s.phase_index, s.rate = -1, 0, -1
  end
  s.attempt = attempt
  s.failed = 0
  s.known = s.succeeded
  s.own_done = 0
  s.rate_at = now
  s.began_at = now
  s.rate_done = done()
  s.began_done = done()
end

-- == Positions ==
-- twin: memory.record.Record.add
local messages = {}
local first = s.seq + 1
local epoch_text = whole(s.epoch)
local position = epoch_text .. '-'
local function add(document, at)
  local seq = s.seq + 1
  s.seq, s.at = seq, at
  -- Lua writes a number below 1e14 without an exponent, and no log holds 1e14 events.
  call('XADD', log, position .. seq, 'e', document)
  messages[#messages + 1] = document
end

-- == The lines of the batch ==
-- twin: rules.batch.encode
-- Plain finds: a pattern costs several times as much for every character of a document.
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
      s.known = s.known + 1
    end
  else
    s.known = s.known + 1
    if s.failures_count > 0 then take_off('failures', id) end
  end
  local value = letter .. whole(attempt)
  known_items[id] = value
  item_changes[id] = value
  if letter == SUCCEEDED then s.succeeded = s.succeeded + 1 end
  if letter == FAILED then s.failed = s.failed + 1 end
  add(document, at)
  -- A queued one, too: a job whose items were lost reports again what it had begun.
  if s.running_count > 0 then take_off('running', id) end
  if letter == IN_PROGRESS then put_on('running', id, document) end
  if letter == FAILED then put_on('failures', id, document) end
  if took then list_slow(took, id, document) end
end

-- == What the account's feed carries ==
-- twin: rules.feed.FeedPace.take, rules.feed.FeedPace._tell, rules.feed.FeedPace._is_time
local feed_events = {}
local function may_feed_progress()
  local waited = now - s.feed_at
  return waited >= FEED_EVERY_US or waited < 0  -- less than nothing: the clock was set back
end
-- The counts of a progress event without what every event has; no text in JSON holds a bare quote.
local function counts_of(document) return '{' .. sub(document, find(document, '"done":', 1, true), -1) end
local function feed_progress()
  feed_events[#feed_events + 1] = s.progress
  s.feed_at, s.feed_due = now, 0
  write('fed', counts_of(s.progress))
end

-- == The run: an attempt begins with its first work ==
-- twin: rules.run.RunRecord.take, rules.run._is_work
-- What a batch says of rows is gathered, since hardly any says something of them.
local unbegun, over, rows = s.run_attempt < attempt, false, nil
local function row(command, name, text)
  rows = rows or {}
  rows[#rows + 1] = {command, name, text}
end
local function begin_work(at)
  unbegun = false
  s.run_attempt = attempt
  row('begin', 'a' .. whole(attempt), at)
end

-- == Statuses ==
-- twin: rules.state.JobState._take_status, rules.snapshot._status_changes
local function take_status(status, at, reason, document)
  if status == s.status and s.status_attempt == attempt and reason == text('reason') then return end
  if status == 'pending' and s.status then return end
  write('status', status)
  write('reason', reason)
  s.status_attempt = attempt
  if status == 'running' then call('HSETNX', state, 'started_at', at) end
  add(document, at)
  if s.feed_due == 1 then feed_progress() end
  feed_events[#feed_events + 1] = document
end

-- == Phases ==
-- twin: rules.state.JobState._take_phase
local function take_phase(index, before, weight, in_all, total, phase)
  if index <= s.phase_index then return end
  s.phase_index = index
  s.phase_before = before
  s.phase_weight = weight
  s.phase_in_all = in_all
  s.phase_total = total or -1
  s.phase_done = done()
  s.phase_over = 0
  write('phase', phase)
  if total then s.total = math.max(s.total, 0) + total end
end

-- == The fraction ==
-- twin: rules.state.JobState._fraction
local function fraction_of(count)
  local value
  if s.phase_index > 0 then
    -- A phase without a total has at most what was left of the job's when it began.
    local part, total = 0, s.phase_total < 0 and s.total - s.phase_done or s.phase_total
    if s.phase_over == 1 then
      part = 1
    elseif total > 0 then
      part = math.min(1, (count - s.phase_done) / total)
    end
    value = (s.phase_before + s.phase_weight * part) / s.phase_in_all
  elseif s.total >= 0 then
    value = s.total > 0 and count / s.total or 0
  else
    return s.fraction
  end
  return math.max(s.fraction, math.floor(math.min(1, value) * FRACTION_PARTS) / FRACTION_PARTS)
end

-- == The rate ==
-- twin: rules.rate.Rate.observe
local function observe(count)
  local span = (now - s.rate_at) / 1000000
  if span < 0 then  -- the clock was set back: begin the span anew
    s.rate_at = now
    s.rate_done = count
  end
  if span < RATE_STEP_S then return end
  local instant = (count - s.rate_done) / span
  if s.rate >= 0 then
    instant = s.rate + (1 - math.exp(-span / RATE_MEMORY_S)) * (instant - s.rate)
  end
  s.rate = instant
  s.rate_at = now
  s.rate_done = count
end

-- == The rate and the time left, as they are told ==
-- twin: rules.state.JobState._pace, rules.rate.Rate.mean
local function pace(count, ended)
  local rate = s.rate
  if ended then
    local span = (now - s.began_at) / 1000000
    rate = span > 0 and (count - s.began_done) / span or -1
  end
  if rate < 0 then return '' end
  local text = ',"perSecond":' .. number(math.floor(rate * RATE_PARTS + 0.5) / RATE_PARTS)
  if not ended and rate > 0 and s.total >= 0 then
    text = text .. ',"etaSeconds":' .. whole(math.ceil((s.total - count) / rate))
  end
  return text
end

-- == A progress event ==
-- twin: rules.state.JobState._progress, rules.state.JobState._counts, rules.state.JobState._has_counts
local function has_counts() return s.known > 0 or s.own_done > 0 or s.phase_index > 0 or s.total >= 0 end

local function progress(at, ended, must)
  local count = done()
  if s.total >= 0 then s.total = math.max(s.total, s.known, count) end
  s.fraction = fraction_of(count)
  observe(count)
  if not must and not has_counts() then return end
  local counts = string.format('"done":%.0f,"total":%s,"succeeded":%.0f,"failed":%.0f%s,"fraction":%s',
    count, s.total >= 0 and whole(s.total) or 'null', s.succeeded, s.failed,
    s.phase_index > 0 and ',"phase":' .. s.phase or '',
    s.fraction >= 0 and number(s.fraction) or 'null')
  if not ended and not must and s.progress then
    -- What follows the same counts is the rate or nothing, so a longer fraction is not taken for them.
    local _, last = find(s.progress, counts, 1, true)
    local after = last and sub(s.progress, last + 1, last + 1)
    if after == ',' or after == '}' then return end
  end
  write('progress', '{"type":"progress",' .. head .. ',"at":"' .. at .. '",' .. counts
    .. pace(count, ended) .. '}')
  add(s.progress, at)
  if ended or may_feed_progress() then feed_progress() else s.feed_due = 1 end
end

-- == The batch, report by report ==
-- twin: rules.run.RunRecord._take, rules.run.RunRecord._take_status
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
    if unbegun then begin_work(at_last) end
    take_item(line[2], line[3], line[4], line[5], line[6])
  elseif kind == 'S' then
    local status, at, reason, document = string.match(line[2], '^S\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    if status == 'running' and unbegun then begin_work(at) end
    if status == 'pending' and attempt == 1 then row('once', 'sent', at) end
    if status == 'retrying' or TERMINAL[status] then
      over = true
      row('end', 'a' .. whole(attempt), at .. '\t' .. status)
    end
    if TERMINAL[status] then row('set', 'end', at .. '\t' .. status) end
    if TERMINAL[status] then
      if status == 'completed' then
        s.total = math.max(s.total, done())
        if done() == s.total then s.fraction = 1 end
      end
      progress(at, true)
      take_status(status, at, reason, document)
      write('finished_at', at)
      ended = true
      break
    end
    take_status(status, at, reason, document)
  elseif kind == 'E' then
    local at, document, failure = string.match(line[2], '^E\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    if failure ~= text('error') then
      write('error', failure)
      add(document, at)
    end
  elseif kind == 'N' or kind == 'R' then
    local at, said, document = string.match(line[2], '^.\t([^\t]*)\t([^\t]*)\t(.*)$')
    local name = kind == 'N' and 'note' or 'result'
    at_last = at
    if said ~= text(name) then
      write(name, said)
      add(document, at)
    end
  elseif kind == 'X' then
    local index, at = string.match(line[2], '^X\t(%d+)\t([^\t]*)$')
    at_last = at
    if tonumber(index) == s.phase_index then s.phase_over = 1 end
    row('end', 'h' .. whole(attempt) .. '.' .. index, at)
  elseif kind == 'T' then
    local total, at = string.match(line[2], '^T\t(%d+)\t([^\t]*)$')
    at_last = at
    s.total = math.max(s.total, tonumber(total))
  elseif kind == 'P' then
    local index, at, before, weight, in_all, total, phase = string.match(line[2],
      '^P\t(%d+)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    take_phase(tonumber(index), tonumber(before), tonumber(weight), tonumber(in_all),
      tonumber(total), phase)
    if unbegun then begin_work(at) end
    row('begin', 'h' .. whole(attempt) .. '.' .. index, at .. '\t' .. phase)
  elseif kind == 'B' then
    local part, at = string.match(line[2], '^B\t([^\t]*)\t([^\t]*)$')
    at_last = at
    if unbegun then begin_work(at) end
    row('begin', 't' .. whole(attempt) .. '.' .. part, at)
  elseif kind == 'D' then
    local part, at, outcome = string.match(line[2], '^D\t([^\t]*)\t([^\t]*)\t(.*)$')
    at_last = at
    row('end', 't' .. whole(attempt) .. '.' .. part, at .. '\t' .. outcome)
  elseif kind == 'C' then
    local count, at, total = string.match(line[2], '^C\t(%d+)\t([^\t]*)\t([^\t]*)$')
    at_last = at
    if unbegun then begin_work(at) end
    s.own_done = math.max(s.own_done, tonumber(count))
    if tonumber(total) then s.total = math.max(s.total, tonumber(total)) end
  end
end
-- A reader has to see every attempt begin: what it knew of the last one is void.
if at_last and not ended then progress(at_last, false, begins and #messages == 0) end
if not at_last and s.feed_due == 1 then feed_progress() end  -- a renewal

-- == The run: rows of attempts, phases and parts ==
-- twin: rules.run.RunRecord._begin, rules.run.RunRecord._end
-- A hash beside the state, which no append reads as a whole: see run.py for its fields.
if rows then
  local most = {a = MAX_ATTEMPTS, h = MAX_PHASES, t = MAX_PARTS}
  for _, said in ipairs(rows) do
    local command, name, text = unpack(said)
    local is_there = (command == 'begin' or command == 'end') and call('HGET', run, name)
    if command == 'set' then
      call('HSET', run, name, text)
    elseif command == 'once' then
      call('HSETNX', run, name, text)
    elseif command == 'end' and is_there then
      call('HSETNX', run, string.upper(sub(name, 1, 1)) .. sub(name, 2), text)
    elseif command == 'begin' and not is_there then
      local count = 'n' .. sub(name, 1, 1)
      local known = tonumber(call('HGET', run, count) or 0)
      if known < most[sub(name, 1, 1)] then
        call('HSET', run, name, text)
      else
        count, known = 'more', tonumber(call('HGET', run, 'more') or 0)
      end
      call('HSET', run, count, whole(known + 1))
    end
  end
end

-- == The run: a series of counts, thinned when it is full ==
-- twin: rules.run.RunRecord._point, rules.run.RunRecord._thin
local waited = now - s.point_at
if at_last and s.run_attempt > 0
    and (over or s.points == 0 or waited < 0 or waited >= s.point_every) then
  if s.point_every == 0 then s.point_every = POINT_EVERY_US end
  if s.points >= MAX_POINTS then
    local names, kept = {}, {}
    for number = 1, s.points do names[number] = 'p' .. number end
    local points = call('HMGET', run, unpack(names))
    for number = 1, s.points, 2 do
      kept[#kept + 1] = 'p' .. (number + 1) / 2
      kept[#kept + 1] = points[number] or ''
    end
    call('HDEL', run, unpack(names))
    call('HSET', run, unpack(kept))
    s.points, s.point_every = #kept / 2, s.point_every * 2
  end
  s.points, s.point_at = s.points + 1, now
  call('HSET', run, 'p' .. s.points, at_last .. '\t' .. whole(done()) .. '\t' .. whole(s.failed))
end

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

if ended then write('running', '') end

-- The keys' lives are long beside the time between two EXPIREs. A key that an append has made
-- lasts for ever without one.
local kept = now - s.kept_at
local keep_every_us = math.min(KEEP_EVERY_S, tonumber(ARGV[7]) / KEEPS_IN_A_LIFE) * 1000000
local keeps = ended or is_new or kept < 0 or kept >= keep_every_us
  or (#messages > 0 and not has_log) or (next(item_changes) and not has_items)
if keeps then s.kept_at = now end

fields = {'numbers', write_numbers(s)}
if #messages > 0 then changed.at = true end
for name in pairs(changed) do
  fields[#fields + 1] = name
  fields[#fields + 1] = s[name]
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
    local status, reason, fed = s.status, text('reason'), text('fed')
    if not status or fed == '' then
      -- The job's state was lost, or tells no progress yet: what the feed told last still holds.
      local known = call('HGET', feed_state, 'j:' .. job_id) or 'pending\t\t\t\tnull'
      local old_status, old_reason, old_fed = string.match(known,
        '^([^\t]*)\t[^\t]*\t[^\t]*\t([^\t]*)\t(.*)$')
      if not status then status, reason = old_status, old_reason end
      if fed == '' then fed = old_fed end
    end
    call('HSET', feed_state, 'j:' .. job_id,
      table.concat({status, of_attempt, at, reason, fed}, '\t'))
    call('HSET', feed_state, 'at', at)
  end
  published[#published + 1] = {feed_log, feed_first .. '\n' .. table.concat(feed_events, '\n')}
  call('EXPIRE', feed_log, ARGV[7])
  call('EXPIRE', feed_state, ARGV[7])
end

-- == How long the keys last ==
-- twin: log.Retention, redis.aliases.RedisAliases.note
if keeps then
  local seconds = ended and ARGV[8] or ARGV[7]
  call('EXPIRE', log, seconds)
  call('EXPIRE', state, seconds)
  call('EXPIRE', items, seconds)
  call('EXPIRE', run, seconds)
  -- The keys of other ids that lead here, and of the sums that this job is one of. The jobs of a sum
  -- end at different times: its keys are left to the last of them. All are of this hash tag.
  local beside = call('HMGET', state, 'aliases', 'sums')
  for key in string.gmatch(beside[1] or '', '[^\n]+') do call('EXPIRE', key, seconds) end
  if not ended then
    for key in string.gmatch(beside[2] or '', '[^\n]+') do call('EXPIRE', key, seconds) end
  end
elseif rows and not has_run then
  call('EXPIRE', run, ARGV[7])
end

-- == What is stored is published ==
-- twin: memory.MemoryLog._publish
-- Last, and it may fail: a server may refuse a user the channels, and by then all is stored.
for _, message in ipairs(published) do redis.pcall('PUBLISH', message[1], message[2]) end
return {'ok', epoch_text, whole(s.seq), attempt, s.cancel and 1 or 0, lost}
