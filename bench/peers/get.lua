-- In the place of the kit's wrk/get.lua, which it is as long as the cookie names no file: GET with fixed headers.
-- With "; flood=FILE" in the cookie each request carries the next line of FILE as its cookie.
local threads = 0
function setup(thread)
  thread:set("tid", threads)
  threads = threads + 1
end

function init(args)
  local file = (wrk.headers["Cookie"] or ""):match("; flood=(%S+)")
  if not file then return end
  local requests = {}
  for line in io.lines(file) do
    wrk.headers["Cookie"] = line
    requests[#requests + 1] = wrk.format()
  end
  -- The threads keep half a list of distance, so that none comes upon what another has just asked for.
  local n = tid * math.floor(#requests / 2)
  request = function()
    n = n % #requests + 1
    return requests[n]
  end
end

function done(s, l, r)
  io.write(string.format(
    '@@{"requests":%d,"us":%d,"bytes":%d,"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"p50":%d,"p90":%d,"p99":%d,"max":%d}\n',
    s.requests, s.duration, s.bytes, s.errors.status, s.errors.connect, s.errors.read, s.errors.write, s.errors.timeout,
    l:percentile(50), l:percentile(90), l:percentile(99), l.max))
end
