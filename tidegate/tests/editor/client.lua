-- What a person does in Neovim, through its own client: opens a broken rule, applies a fix, completes a
-- field, reads what a word means, and runs the examples of a note. Writes what it saw as JSON to OUT.

local seen = {}

local function wait(what, done)
  if not vim.wait(20000, done, 10) then
    error('waited for ' .. what)
  end
end

local function codes(buffer)
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(found, one.code or one.user_data.lsp.code)
  end
  table.sort(found)
  return found
end

local function ask(buffer, method, params)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 20000)
  for _, answer in pairs(answers or {}) do
    assert(not answer.err, vim.inspect(answer.err))
    return answer.result
  end
  error('no answer to ' .. method)
end

local function run()
  local folder = vim.env.FOLDER
  vim.cmd('edit ' .. folder .. '/rules/broken.yml')
  local client = vim.lsp.start_client({
    name = 'tidegate',
    cmd = { vim.env.TIDEGATE, 'lsp', 'rules' },
    root_dir = folder,
  })
  assert(client, 'the server starts')
  vim.lsp.buf_attach_client(0, client)
  wait('findings', function() return #vim.diagnostic.get(0) > 0 end)
  seen.findings = codes(0)
  local first = vim.diagnostic.get(0)[1]
  seen.place = { first.lnum, first.col, first.end_col }

  -- The fix of the first finding.
  local document = { uri = vim.uri_from_bufnr(0) }
  local at = { line = first.lnum, character = first.col }
  local actions = ask(0, 'textDocument/codeAction', {
    textDocument = document,
    range = { start = at, ['end'] = at },
    context = { diagnostics = {} },
  })
  seen.fix = actions[1].title
  vim.lsp.util.apply_workspace_edit(actions[1].edit, 'utf-16')
  wait('no finding of the field', function() return not vim.tbl_contains(codes(0), 'S012') end)
  seen.fixed = vim.api.nvim_buf_get_lines(0, first.lnum, first.lnum + 1, true)[1]

  -- A field is typed and completed.
  vim.api.nvim_buf_set_lines(0, first.lnum + 1, first.lnum + 1, true, { '        c-useragent|star' })
  local items = ask(0, 'textDocument/completion', {
    textDocument = document,
    position = { line = first.lnum + 1, character = 24 },
  })
  for _, item in ipairs(items) do
    if item.label == 'startswith' then
      vim.lsp.util.apply_text_edits({ item.textEdit }, vim.api.nvim_get_current_buf(), 'utf-16')
    end
  end
  seen.completed = vim.api.nvim_buf_get_lines(0, first.lnum + 1, first.lnum + 2, true)[1]

  local hover = ask(0, 'textDocument/hover', {
    textDocument = document,
    position = { line = first.lnum, character = 10 },
  })
  seen.hover = hover.contents.value

  -- The examples of a note.
  vim.cmd('edit! ' .. folder .. '/rules/note.md')
  vim.lsp.buf_attach_client(0, client)
  local note = { uri = vim.uri_from_bufnr(0) }
  local lens = ask(0, 'textDocument/codeLens', { textDocument = note })[1]
  seen.lens = lens.command.title
  local result = ask(0, 'workspace/executeCommand', {
    command = lens.command.command,
    arguments = lens.command.arguments,
  })
  seen.summary = result.summary
  seen.lenses = #ask(0, 'textDocument/codeLens', { textDocument = note })

  vim.lsp.stop_client(client)
  wait('the end of the server', function() return vim.lsp.client_is_stopped(client) end)
end

local ok, message = pcall(run)
if not ok then
  seen.error = tostring(message)
end
vim.fn.writefile({ vim.fn.json_encode(seen) }, vim.env.OUT)
vim.cmd('qall!')
