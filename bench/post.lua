-- For wrk: a form sent by many people, each with a session. Arguments: a file with a session a line and, if they are to
-- vote, a file with the id of a post a line, and how many votes were given before.
-- Each vote is on another post than the one before it, until all of them have had one.

local sessions, posts, at

local function lines(path)
  local found = {}
  for line in io.lines(path) do
    found[#found + 1] = line
  end
  return found
end

function init(arguments)
  sessions = lines(arguments[1])
  posts = arguments[2] and lines(arguments[2])
  at = tonumber(arguments[3]) or 0
end

function request()
  local path, voter = wrk.path, at
  if posts then
    path = "/post/" .. posts[1 + at % #posts] .. "/vote/1"
    voter = at + math.floor(at / #posts)
  end
  at = at + 1
  wrk.headers["Cookie"] = "session=" .. sessions[1 + voter % #sessions]
  return wrk.format("POST", path, nil, "")
end
