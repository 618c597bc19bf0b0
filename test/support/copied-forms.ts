/** Credentials in the forms in which people copy them, for `token import` by stdin and prompts, and for the environment. */

export const ID = '0123456789abcdef0123456789abcdef.access'
export const SECRET = `cfast_${'aB3'.repeat(16)}`
const OTHER_ID = 'fedcba9876543210fedcba9876543210.access'
const OTHER_SECRET = `cfast_${'Zy9'.repeat(16)}`
const HEX_SECRET = 'f00dfeed'.repeat(8)
const CHECKSUM = 'abcdef01'.repeat(8)
const UUID = '9e934226-d468-4a2c-8fd9-a65e77bf2f4c'

export interface CopiedForm {
  what: string
  text: string
  /** What is pasted into the two prompts, or set as the two variables. Left out: the text is pasted whole. */
  halves?: [id: string, secret: string]
  /** What comes out; left out: {@link ID} and {@link SECRET}. */
  pair?: [id: string, secret: string]
}

const lines = (what: string, id: string, secret: string, more: Partial<CopiedForm> = {}): CopiedForm => ({
  what,
  text: `${id}\n${secret}\n`,
  halves: [id, secret],
  ...more,
})
const json = (what: string, value: unknown): CopiedForm => ({what, text: JSON.stringify(value)})
const text = (what: string, written: string): CopiedForm => ({what, text: written})

const attributes = {
  account_id: '0123456789abcdef0123456789abcdef',
  ...{client_id: ID, client_secret: SECRET, duration: '8760h', id: UUID, name: 'ci'},
}
const field = (label: string, value: string, more: object = {}): object => ({
  ...{id: 'x7k2', type: 'CONCEALED', label, value, reference: `op://Private/Access/${label}`},
  ...more,
})

/** Forms in which the pair is found. The sources of the formats are in docs/reference/credential-forms.md. */
export const FORMS: readonly CopiedForm[] = [
  lines('the dashboard: header lines', `CF-Access-Client-Id: ${ID}`, `CF-Access-Client-Secret: ${SECRET}`),
  lines(
    'header lines in lower case, without blanks',
    `cf-access-client-id:${ID}`,
    `cf-access-client-secret:${SECRET}`,
  ),
  text('header lines with CR LF', `CF-Access-Client-Id: ${ID}\r\nCF-Access-Client-Secret: ${SECRET}\r\n`),
  text('a byte order mark', `\uFEFFCF_ACCESS_CLIENT_ID=${ID}\nCF_ACCESS_CLIENT_SECRET=${SECRET}`),
  lines('labels', `Client ID: ${ID}`, `Client Secret: ${SECRET}`),
  text('labels on lines of their own', `Client ID\n${ID}\n\nClient Secret\n${SECRET}\n`),
  text('names on lines of their own', `CF-Access-Client-Id:\n${ID}\nCF-Access-Client-Secret:\n${SECRET}\n`),
  lines('.env lines', `CF_ACCESS_CLIENT_ID=${ID}`, `CF_ACCESS_CLIENT_SECRET=${SECRET}`),
  lines(
    'exports with quotes',
    `export CF_ACCESS_CLIENT_ID="${ID}"`,
    `export CF_ACCESS_CLIENT_SECRET='${SECRET}'`,
  ),
  lines(
    '.env lines with comments',
    `CF_ACCESS_CLIENT_ID=${ID} # ci`,
    `CF_ACCESS_CLIENT_SECRET="${SECRET}" # until May`,
  ),
  text(
    'a whole .env file',
    `# access\nPORT=80\nSESSION_SECRET=${CHECKSUM}\n#CF_ACCESS_CLIENT_ID=${OTHER_ID}\n#CF_ACCESS_CLIENT_SECRET=${OTHER_SECRET}\n\nCF_ACCESS_CLIENT_SECRET=${SECRET}\nCF_ACCESS_CLIENT_ID=${ID}\n`,
  ),
  text(
    'a .env file with another program’s client ID',
    `GITHUB_CLIENT_ID=Iv1.8a61f9b3a7aba766\nGITHUB_CLIENT_SECRET=${CHECKSUM}\nCF_ACCESS_CLIENT_ID=${ID}\nCF_ACCESS_CLIENT_SECRET=${SECRET}\n`,
  ),
  lines(
    'a prefix of a framework',
    `VITE_CF_ACCESS_CLIENT_ID=${ID}`,
    `VITE_CF_ACCESS_CLIENT_SECRET=${SECRET}`,
  ),
  lines('a variable of Terraform', `TF_VAR_cf_client_id=${ID}`, `TF_VAR_cf_client_secret=${SECRET}`),
  lines('another name', `CLOUDFLARE_ACCESS_ID=${ID}`, `CLOUDFLARE_ACCESS_SECRET=${SECRET}`),
  lines("cloudflared's variables", `TUNNEL_SERVICE_TOKEN_ID=${ID}`, `TUNNEL_SERVICE_TOKEN_SECRET=${SECRET}`),
  lines('PowerShell', `$env:CF_ACCESS_CLIENT_ID = "${ID}"`, `$env:CF_ACCESS_CLIENT_SECRET = "${SECRET}"`),
  lines('cmd', `set "CF_ACCESS_CLIENT_ID=${ID}"`, `set "CF_ACCESS_CLIENT_SECRET=${SECRET}"`),
  lines('fish', `set -gx CF_ACCESS_CLIENT_ID ${ID}`, `set -gx CF_ACCESS_CLIENT_SECRET ${SECRET}`),
  text('docker run', `docker run -e CF_ACCESS_CLIENT_ID=${ID} -e CF_ACCESS_CLIENT_SECRET='${SECRET}' app`),
  text(
    'a command with variables before it',
    `CF_ACCESS_CLIENT_ID=${ID} CF_ACCESS_CLIENT_SECRET=${SECRET} ./deploy`,
  ),
  text(
    'curl',
    `curl -H "CF-Access-Client-Id: ${ID}" -H "CF-Access-Client-Secret: ${SECRET}" https://a.example.com`,
  ),
  text(
    'curl on several lines',
    `curl https://a.example.com/ \\\n  -H 'CF-Access-Client-Id: ${ID}' \\\n  --header 'CF-Access-Client-Secret: ${SECRET}'`,
  ),
  text(
    'curl of cmd',
    `curl.exe ^\n -H "CF-Access-Client-Id: ${ID}" ^\n -H "CF-Access-Client-Secret: ${SECRET}"`,
  ),
  text('httpie', `https a.example.com CF-Access-Client-Id:${ID} CF-Access-Client-Secret:${SECRET}`),
  text('cloudflared', `cloudflared access ssh --hostname h.example.com --id ${ID} --secret ${SECRET}`),
  text(
    'cloudflared, long',
    `cloudflared access tcp --service-token-id=${ID} --service-token-secret=${SECRET}`,
  ),
  text('a program', `headers = {"CF-Access-Client-Id": "${ID}", 'CF-Access-Client-Secret': '${SECRET}'}`),
  text('YAML', `access:\n  client_id: ${ID}\n  client_secret: "${SECRET}"\n`),
  text('a block of YAML', `client_id: |-\n  ${ID}\nclient_secret: >-\n  ${SECRET}\n`),
  text('TOML', `[access]\nclient_id = "${ID}"\nclient_secret = "${SECRET}"\n`),
  text(
    'the environment of a container in YAML',
    `env:\n- name: CF_ACCESS_CLIENT_ID\n  value: ${ID}\n- name: CF_ACCESS_CLIENT_SECRET\n  value: "${SECRET}"\n`,
  ),
  lines('terraform output', `client_id = "${ID}"`, `client_secret = "${SECRET}"`),
  json('terraform output -json', {
    ...{ci_client_id: {sensitive: false, type: 'string', value: ID}},
    ...{ci_client_secret: {sensitive: true, type: 'string', value: SECRET}},
    google_client_id: {sensitive: false, type: 'string', value: 'x.apps.example'},
    google_client_secret: {sensitive: true, type: 'string', value: CHECKSUM},
  }),
  json('terraform output -json of one object', {
    token: {sensitive: true, type: ['object', {}], value: {client_id: ID, client_secret: SECRET}},
  }),
  json('a Terraform state', {
    ...{version: 4, terraform_version: '1.9.0', serial: 3, lineage: UUID},
    outputs: {client_id: {value: ID, type: 'string'}},
    resources: [
      {
        ...{mode: 'managed', type: 'cloudflare_zero_trust_access_identity_provider', name: 'google'},
        instances: [{attributes: {config: [{client_id: 'x.apps.example', client_secret: CHECKSUM}]}}],
      },
      {
        ...{mode: 'managed', type: 'cloudflare_zero_trust_access_service_token', name: 'ci'},
        instances: [
          {
            attributes,
            sensitive_attributes: [[{type: 'get_attr', value: 'client_secret'}]],
            private: CHECKSUM,
          },
        ],
      },
    ],
  }),
  json('terraform show -json', {
    ...{format_version: '1.0', terraform_version: '1.9.0'},
    values: {root_module: {resources: [{address: 'x', values: attributes}]}},
  }),
  json("1Password's item", {
    ...{id: 'abc', title: 'Access', category: 'API_CREDENTIAL', vault: {id: 'v', name: 'Private'}},
    fields: [
      field('username', ID, {id: 'username'}),
      field('credential', SECRET, {id: 'credential'}),
      {id: 'notesPlain'},
    ],
  }),
  json("1Password's fields", [field('client id', ID), field('client secret', SECRET)]),
  json("Vault's JSON", {
    ...{request_id: UUID, lease_id: '', lease_duration: 0, renewable: false, warnings: null},
    data: {
      data: {client_id: ID, client_secret: SECRET},
      metadata: {created_by: {actor: 'root', client_id: UUID, operation: 'create'}, version: 1},
    },
  }),
  text(
    "Vault's table",
    `====== Data ======\nKey              Value\n---              -----\nclient_id        ${ID}\nclient_secret    ${SECRET}\n`,
  ),
  json("Cloudflare's answer", {
    ...{success: true, errors: [], messages: []},
    result: {id: UUID, name: 'ci', client_id: ID, client_secret: SECRET},
  }),
  json('zt token create --reveal --json', {token: {id: UUID, clientId: ID}, clientSecret: SECRET}),
  json('JSON with names of headers', {'cf-access-client-id': ID, 'cf-access-client-secret': SECRET}),
  json("JSON in AWS's secrets manager", {
    ...{ARN: 'arn:aws:secretsmanager:x', Name: 'access'},
    SecretString: JSON.stringify({client_id: ID, client_secret: SECRET}),
  }),
  json('a Kubernetes secret', {
    ...{apiVersion: 'v1', kind: 'Secret', type: 'Opaque'},
    data: {
      CLIENT_ID: Buffer.from(ID).toString('base64'),
      CLIENT_SECRET: Buffer.from(`${SECRET}\n`).toString('base64'),
    },
  }),
  json("Bitwarden's item", {
    ...{object: 'item', name: 'Access', login: {username: ID, password: SECRET}},
    fields: [{name: 'note', value: 'ci', type: 0}],
  }),
  lines('two bare lines', ID, SECRET),
  lines('two bare lines, swapped', SECRET, ID),
  lines('two bare lines in quotes', `"${ID}"`, `'${SECRET}'`),
  text('one line with a blank', `${ID} ${SECRET}`),
  text('one line with a colon', `${ID}:${SECRET}`),
  text('a list', JSON.stringify([ID, SECRET])),
  lines('swapped under their names', `CF-Access-Client-Id: ${SECRET}`, `CF-Access-Client-Secret: ${ID}`),
  lines('a secret from before 2026-08-26', ID, HEX_SECRET, {pair: [ID, HEX_SECRET]}),
  lines('a client ID with the domain of the account', `${ID}.example.com`, SECRET, {
    pair: [`${ID}.example.com`, SECRET],
  }),
  text(
    'a program that sets the headers one by one',
    `req.Header.Set("CF-Access-Client-Id", "${ID}")\nreq.Header.Set("CF-Access-Client-Secret", "${SECRET}")`,
  ),
  text('setx', `setx CF_ACCESS_CLIENT_ID "${ID}"\nsetx CF_ACCESS_CLIENT_SECRET "${SECRET}" /M`),
  text('.netrc', `machine a.example.com login ${ID} password ${SECRET}`),
  text(
    'XML',
    `<add key="CF_ACCESS_CLIENT_ID" value="${ID}"/>\n<add key="CF_ACCESS_CLIENT_SECRET" value="${SECRET}"/>`,
  ),
  json("a browser's record of requests", {
    log: {
      entries: [1, 2].map((time) => ({
        time,
        request: {
          headers: [
            {name: 'User-Agent', value: 'x'},
            {name: 'cf-access-client-id', value: ID},
            {name: 'cf-access-client-secret', value: SECRET},
          ],
        },
      })),
    },
  }),
  json("an API client's collection", {
    ...{info: {name: 'x'}, auth: {type: 'noauth'}},
    item: [
      {
        request: {
          header: [
            {key: 'CF-Access-Client-Id', value: ID, type: 'text'},
            {key: 'CF-Access-Client-Secret', value: SECRET, type: 'text'},
          ],
        },
      },
    ],
  }),
  json("a container's variables", [
    {
      Id: CHECKSUM,
      Config: {Env: ['PATH=/bin', `CF_ACCESS_CLIENT_ID=${ID}`, `CF_ACCESS_CLIENT_SECRET=${SECRET}`]},
    },
  ]),
  json('headers in one text of JSON', {
    note: 'client secret: see below',
    headers: `CF-Access-Client-Id: ${ID}\nCF-Access-Client-Secret: ${SECRET}`,
  }),
  json('words of a command in JSON', {
    command: ['curl', '-H', `CF-Access-Client-Id: ${ID}`, '-H', `CF-Access-Client-Secret: ${SECRET}`],
  }),
  lines('names with an end', `CF_ACCESS_CLIENT_ID_PROD=${ID}`, `CF_ACCESS_CLIENT_SECRET_PROD=${SECRET}`),
  lines('names of two habits', `CLOUDFLARE_CLIENT_ID=${ID}`, `CF_ACCESS_CLIENT_SECRET=${SECRET}`),
  lines('one half with a name', `CI_CLIENT_ID=${ID}`, SECRET),
  json('the same pair twice', {client_id: ID, clientId: ID, client_secret: SECRET, clientSecret: SECRET}),
]

export interface RefusedForm extends CopiedForm {
  /** What the error says: what is wrong, and the form that was seen. */
  says: RegExp
  /** A prompt takes one line, and does not know of another. */
  notBy?: 'the prompts'
}

const half = SECRET.length / 2
const [head, tail] = [SECRET.slice(0, half), SECRET.slice(half)]
const CUT = /The client secret is not complete/

export const REFUSED: readonly RefusedForm[] = [
  {
    ...lines(
      'a secret cut by a line break',
      `CF-Access-Client-Id: ${ID}`,
      `CF-Access-Client-Secret: ${head}\n${tail}`,
    ),
    says: /secret is not complete.*header lines/,
  },
  {...lines('a bare secret cut by a line break', ID, `${head}\n${tail}`), says: CUT},
  {
    ...lines(
      'a cut secret of the old form',
      `CF_ACCESS_CLIENT_ID=${ID}`,
      `CF_ACCESS_CLIENT_SECRET=${HEX_SECRET.slice(0, 40)}\n${HEX_SECRET.slice(40)}`,
    ),
    says: /secret is not complete.*lines of variables/,
  },
  {
    ...lines(
      'a cut secret of a form that is not known',
      `CF_ACCESS_CLIENT_ID=${ID}`,
      `CF_ACCESS_CLIENT_SECRET=a_new-form-of\nsecrets_x`,
    ),
    says: CUT,
    notBy: 'the prompts',
  },
  {
    ...text(
      'JSON with a line break in the secret',
      `{"client_id":"${ID}","client_secret":"${head}\n${tail}"}`,
    ),
    says: /not complete.*JSON/,
  },
  {
    ...text('JSON that ends in the secret', `{"client_id":"${ID}","client_secret":"${head}`),
    says: /not complete.*JSON/,
  },
  {...lines('a secret and more', ID, `${HEX_SECRET}00`), says: CUT},
  {
    ...lines(
      'a secret with the mark of a shell behind it',
      `CF_ACCESS_CLIENT_ID=${ID}`,
      `CF_ACCESS_CLIENT_SECRET=${HEX_SECRET}%`,
    ),
    says: CUT,
  },
  {
    ...lines('a secret that is shortened', `CF_ACCESS_CLIENT_ID=${ID}`, `CF_ACCESS_CLIENT_SECRET=${head}...`),
    says: CUT,
  },
  {
    ...lines(
      'a client ID at the end of a sentence',
      `CF-Access-Client-Id: ${ID}.`,
      `CF-Access-Client-Secret: ${SECRET}`,
    ),
    says: /The client ID is not complete/,
  },
  {
    ...lines(
      'a secret with a blank that is none of ASCII',
      `CF_ACCESS_CLIENT_ID=${ID}`,
      `CF_ACCESS_CLIENT_SECRET=${HEX_SECRET.slice(0, 12)}\u00a0${HEX_SECRET.slice(12)}`,
    ),
    says: CUT,
  },
  {
    ...lines(
      'a secret with a character that takes no room',
      `CF_ACCESS_CLIENT_ID=${ID}`,
      `CF_ACCESS_CLIENT_SECRET=${head}\u200b${tail}`,
    ),
    says: /client secret/,
  },
  {
    ...lines(
      'halves of two pairs',
      `PROD_CF_ACCESS_CLIENT_ID=${ID}`,
      `DEV_CF_ACCESS_CLIENT_SECRET=${SECRET}`,
    ),
    says: /names of different pairs.*lines of variables/,
  },
  {
    ...lines(
      'halves of two pairs, by the ends of their names',
      `CF_ACCESS_CLIENT_ID_PROD=${ID}`,
      `CF_ACCESS_CLIENT_SECRET_DEV=${SECRET}`,
    ),
    says: /names of different pairs/,
  },
  {
    ...lines(
      'a client ID, and the secret of another program',
      `CF_ACCESS_CLIENT_ID=${ID}`,
      `GITHUB_CLIENT_SECRET=${CHECKSUM}`,
    ),
    says: /names of different pairs/,
  },
  {
    ...json('halves of two pairs in JSON', {
      prod_client_id: {sensitive: false, type: 'string', value: ID},
      dev_client_secret: {sensitive: true, type: 'string', value: SECRET},
    }),
    says: /names of different pairs.*terraform output -json/,
  },
  {
    ...json('halves of two pairs in objects with names', {
      prod: {client_id: ID},
      stage: {client_secret: SECRET},
    }),
    says: /names of different pairs.*JSON/,
  },
  {
    ...lines(
      'a cut client ID',
      `CF-Access-Client-Id: ${ID.slice(0, 20)}\n${ID.slice(20)}`,
      `CF-Access-Client-Secret: ${SECRET}`,
    ),
    says: /The client ID is not complete.*header lines/,
  },
  {
    ...text(
      'two pairs',
      `CF_ACCESS_CLIENT_ID=${ID}\nCF_ACCESS_CLIENT_SECRET=${SECRET}\nDEV_CF_ACCESS_CLIENT_ID=${OTHER_ID}\nDEV_CF_ACCESS_CLIENT_SECRET=${OTHER_SECRET}`,
    ),
    says: /more than one client ID.*lines of variables/,
  },
  {
    ...json('a Terraform state with two tokens', {
      ...{version: 4, terraform_version: '1.9.0'},
      resources: [
        {instances: [{attributes}, {attributes: {client_id: OTHER_ID, client_secret: OTHER_SECRET}}]},
      ],
    }),
    says: /more than one client ID.*a Terraform state/,
  },
  {
    ...text('two secrets', `${ID}\n${SECRET}\n${OTHER_SECRET}`),
    says: /more than one client secret.*lines without names/,
  },
  {
    ...text('terraform output that hides it', `client_id = "${ID}"\nclient_secret = <sensitive>\n`),
    says: /secret is not in the input.*mask.*terraform output/,
  },
  {
    ...text(
      'terraform show that hides it',
      `resource "cloudflare_zero_trust_access_service_token" "ci" {\n    client_id     = "${ID}"\n    client_secret = (sensitive value)\n}`,
    ),
    says: /secret is not in the input.*mask.*terraform show/,
  },
  {
    ...lines('a log that masks it', `CF_ACCESS_CLIENT_ID=${ID}`, 'CF_ACCESS_CLIENT_SECRET=***'),
    says: /mask.*lines of variables/,
  },
  {
    ...lines(
      '1Password that hides it',
      `client_id: ${ID}`,
      "client_secret: [use 'op item get abc --reveal' to reveal]",
    ),
    says: /mask.*lines with names/,
  },
  {
    ...lines(
      "1Password's reference",
      `CF_ACCESS_CLIENT_ID=${ID}`,
      'CF_ACCESS_CLIENT_SECRET="op://Private/Access/credential"',
    ),
    says: /A reference is in its place.*lines of variables/,
  },
  {
    ...lines(
      'an expression of a CI',
      'CF_ACCESS_CLIENT_ID: ${{ secrets.ID }}',
      'CF_ACCESS_CLIENT_SECRET: ${{ secrets.KEY }}',
    ),
    says: /client ID is not in the input.*A reference/,
  },
  ...[
    'process.env.CF_ACCESS_CLIENT_SECRET',
    'os.environ["CF_ACCESS_CLIENT_SECRET"]',
    'os.getenv("KEY")',
    'read_secret("cf")',
    'var.client_secret',
    'settings.cf.secret',
    'System.getenv("KEY")',
    '{secret}',
    '#{Access.Secret}',
    '__CF_SECRET__',
  ].map((value) => ({
    ...lines(
      `what a program reads it from: ${value}`,
      `'CF-Access-Client-Id': '${ID}',`,
      `'CF-Access-Client-Secret': ${value},`,
    ),
    says: /client secret is not in the input.*A reference/,
  })),
  ...['...', 'xxxx', 'REDACTED'].map((value) => ({
    ...lines(`in its place: ${value}`, `CF-Access-Client-Id: ${ID}`, `CF-Access-Client-Secret: ${value}`),
    says: /client secret is not in the input/,
  })),
  {
    ...lines('what sops encrypted', `client_id: ${ID}`, 'client_secret: ENC[AES256_GCM,data:x,iv:y]'),
    says: /It is encrypted/,
  },
  {
    ...lines('a placeholder', 'CF-Access-Client-Id: <CLIENT_ID>', 'CF-Access-Client-Secret: <CLIENT_SECRET>'),
    says: /placeholder.*header lines/,
  },
  {
    ...lines('a client ID twice', `Client ID: ${ID}`, `Client ID: ${ID}`),
    says: /The client secret is missing/,
  },
  {...lines('a secret twice', SECRET, SECRET), says: /The client ID is missing/},
  {...text('a note', 'the token is in the vault'), says: /The credentials are missing.*lines without names/},
  {...json('other JSON', {name: 'ci', checksum: CHECKSUM}), says: /The credentials are missing.*JSON/},
]

/** No part of these may be in what is said. */
export const PARTS: readonly string[] = [
  ID.slice(0, 20),
  OTHER_ID.slice(0, 20),
  head,
  tail,
  OTHER_SECRET.slice(6),
  HEX_SECRET.slice(0, 24),
  CHECKSUM.slice(0, 24),
  'a_new-form',
  'op://',
]
