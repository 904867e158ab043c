-- Asks Gatelodge about a request (forward auth), for HAProxy 2.6 or newer. See haproxy.cfg.
-- SPDX-License-Identifier: MIT OR Apache-2.0
--
--     http-request lua.gatelodge ADDRESS:PORT
--
-- lets a request pass by setting txn.gatelodge to "allowed", and answers every other one by itself.

local TIMEOUT = 5000 -- milliseconds

-- What of the client's own request Gatelodge decides by.
local ASKED_BY = { "accept", "authorization", "cookie", "user-agent", "x-requested-with" }
local IDENTITY = { "remote-user", "remote-groups", "remote-email", "remote-name" }
-- What of its answer a client needs that is not let in.
local ANSWERED = { "location", "www-authenticate", "cache-control", "content-type", "retry-after" }
local REASONS = { [302] = "Found", [303] = "See Other", [401] = "Unauthorized", [403] = "Forbidden" }

local function question(txn)
    local sent = txn.http:req_get_headers()
    local headers = {
        ["x-forwarded-method"] = { txn.f:method() },
        ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
        ["x-forwarded-host"] = { txn.sf:req_fhdr("host") },
        ["x-forwarded-uri"] = { txn.sf:pathq() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    for _, name in ipairs(ASKED_BY) do
        if sent[name] then
            headers[name] = {}
            for at = 0, #sent[name] do
                table.insert(headers[name], sent[name][at])
            end
        end
    end
    return headers
end

local function refuse(txn, answer)
    local status = answer and REASONS[answer.status] and answer.status or 503
    local reply = txn:reply({ status = status, reason = REASONS[status] or "Service Unavailable" })
    if status == 503 then
        reply:add_header("content-type", "text/plain")
        reply:set_body("Gatelodge does not answer\n")
    else
        for _, name in ipairs(ANSWERED) do
            local values = answer.headers[name]
            if values and values[0] then
                reply:add_header(name, values[0])
            end
        end
        reply:set_body(answer.body or "")
    end
    txn:done(reply)
end

core.register_action("gatelodge", { "http-req" }, function(txn, address)
    local answer = core.httpclient():get({
        url = "http://" .. address .. "/api/authz/forward-auth",
        headers = question(txn),
        timeout = TIMEOUT,
    })
    if not answer or answer.status ~= 200 then
        return refuse(txn, answer)
    end
    for _, name in ipairs(IDENTITY) do
        local values = answer.headers[name]
        txn.http:req_set_header(name, values and values[0] or "")
    end
    txn:set_var("txn.gatelodge", "allowed")
end, 1)
