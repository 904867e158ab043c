-- Asks Gatelodge about a request (forward auth), for Apache's mod_lua with LuaSocket. See apache.conf.
-- SPDX-License-Identifier: MIT OR Apache-2.0

local http = require("socket.http")
local ltn12 = require("ltn12")
local socket = require("socket")

-- Where Gatelodge listens.
local GATELODGE = "127.0.0.1:8080"
local TIMEOUT = 5 -- seconds

-- What of the client's own request Gatelodge decides by.
local ASKED_BY = { "Accept", "Authorization", "Cookie", "User-Agent", "X-Requested-With" }
local IDENTITY = { "Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name" }
-- What of its answer a client needs that is not let in.
local ANSWERED = { "Location", "WWW-Authenticate", "Cache-Control" }
local BODIES = { [302] = "", [303] = "", [401] = "Unauthorized\n", [403] = "Forbidden\n", [503] = "Gatelodge does not answer\n" }

-- Many applications cannot tell Remote_User from Remote-User.
local function forget_claims(r)
    for name in pairs(r:headers_in_table()) do
        if name:lower():gsub("[^%w]", "-"):find("^remote%-") then
            r.headers_in[name] = nil
        end
    end
end

local function question(r)
    local headers = {
        ["X-Forwarded-Method"] = r.method,
        ["X-Forwarded-Proto"] = r.is_https and "https" or "http",
        ["X-Forwarded-Host"] = r.hostname,
        ["X-Forwarded-Uri"] = r.unparsed_uri,
        ["X-Forwarded-For"] = r.useragent_ip,
    }
    for _, name in ipairs(ASKED_BY) do
        headers[name] = r.headers_in[name]
    end
    return headers
end

local function ask(r)
    local connect = function()
        local connection = socket.tcp()
        connection:settimeout(TIMEOUT)
        return connection
    end
    local is_answered, status, headers = http.request({
        url = "http://" .. GATELODGE .. "/api/authz/forward-auth",
        headers = question(r),
        create = connect,
        redirect = false,
        sink = ltn12.sink.null(),
    })
    return is_answered and status or 503, headers or {}
end

-- If the status were returned, Apache would first read the body of the request: a hundred megabytes for nothing.
local function refuse(r, status, headers)
    r.status = BODIES[status] and status or 503
    for _, name in ipairs(ANSWERED) do
        r.headers_out[name] = headers[name:lower()]
    end
    if r.headers_in["Content-Length"] or r.headers_in["Transfer-Encoding"] then
        r.subprocess_env["nokeepalive"] = "1"
    end
    r.content_type = "text/plain"
    r:puts(BODIES[r.status])
    r:flush()
    return apache2.DONE
end

function check(r)
    forget_claims(r)
    local status, headers = ask(r)
    if status ~= 200 then
        return refuse(r, status, headers)
    end
    for _, name in ipairs(IDENTITY) do
        r.headers_in[name] = headers[name:lower()] or ""
    end
    return apache2.OK
end
