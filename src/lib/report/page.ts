import {createHash} from 'node:crypto'
import {html, Html, jsonInScript} from './html.js'
import {SCRIPT} from './script.js'
import {STYLE} from './style.js'
import {timeline} from './timeline.js'
import {
  DATA_ID,
  type Opening,
  type Report,
  type ReportApplication,
  type ReportChanges,
  type ReportFinding,
  type ReportToken,
} from './types.js'

/** How much the page shows at most, so that its size is bounded; the JSON and the CSV files have everything. */
const PAGE_LIMITS = {
  /** Rows below tokens, and names below applications; each token and application gets the same share. */
  ways: 25_000,
  findings: 2000,
  changes: 500,
  /** Characters of the report as JSON inside the page. */
  json: 8_000_000,
}

/**
 * A report as one page: no script, font or picture from elsewhere, and a policy that allows none. It is complete without its
 * script, which only sorts, filters and folds.
 */
export function reportPage(report: Report, limits = PAGE_LIMITS): string {
  const {account, generatedAt} = report
  const title = `Access review of ${account.name ?? account.id}`
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(SCRIPT)}'`,
    `style-src '${hashOf(STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const data = jsonInScript(report)
  const carries = data.length <= limits.json
  return `${
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta http-equiv="Content-Security-Policy" content="${new Html(policy)}" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="referrer" content="no-referrer" />
          <meta name="robots" content="noindex" />
          <title>${title}, ${day(generatedAt)}</title>
          ${new Html(`<style>${STYLE}</style><script>${SCRIPT}</script>`)}
        </head>
        <body>
          <a class="skip" href="#main">Skip to the review</a>
          ${head(report)} ${controls(report)}
          <main id="main" tabindex="-1">
            ${report.changes && changesSection(report.changes, limits.changes)}
            ${findingsSection(report, limits.findings)} ${expirySection(report)}
            ${tokensSection(report, limits.ways)} ${applicationsSection(report, limits.ways)}
          </main>
          <footer>
            <p>
              Made by zt ${report.zt} at ${generatedAt}. Rules are evaluated as they are at that time, for
              requests with each service token.
            </p>
            <p>
              Cloudflare samples the requests that it records, so each count of requests is an estimate, and a
              rare use may be missing.
            </p>
            <p>
              ${
                carries
                  ? 'This page contains the whole report as JSON, and a later report can be compared with it: '
                  : 'The whole report is too large for this page. To compare a later report with it, keep the JSON: '
              }<code>${carries ? 'zt report --since FILE' : 'zt report --json'}</code>
            </p>
          </footer>
          ${carries && new Html(`<script type="application/json" id="${DATA_ID}">${data}</script>`)}
        </body>
      </html>`.text
  }\n`
}

/** As a Content-Security-Policy names an inline script or style. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function head({account, record, generatedAt, counts, changes}: Report): Html {
  const share = counts.ways === 0 ? '' : ` of ${number(counts.ways)}`
  return html`<header class="top">
    <p class="kicker">Access review</p>
    <h1>${account.name ?? account.id}</h1>
    <p class="lead">
      What the rules of this account let its service tokens into, and what these tokens used between
      ${day(record.since)} and ${day(record.until)}. Made on ${day(generatedAt)}.
    </p>
    ${record.incomplete !== null && html`<p class="note">The record of requests is not complete: ${record.incomplete}</p>`}
    <dl class="facts">
      ${fact('Service tokens', html`${number(counts.tokens)} <small>${number(counts.active)} active</small>`)}
      ${fact('Applications', number(counts.applications))}
      ${fact('Expire within 30 days', number(counts.expiring), counts.expiring > 0 && 'warn')}
      ${fact('Unused ways in', record.incomplete === null ? html`${number(counts.unused)}<small>${share}</small>` : html`<small>not known${share}</small>`, counts.unused > 0 && 'warn')}
      ${fact('Need action', html`${number(counts.action)} <small>of ${number(counts.findings)} findings</small>`, counts.action > 0 && 'bad')}
    </dl>
    <nav aria-label="Sections">
      <ul>
        ${changes && html`<li><a href="#changes">Changes since ${day(changes.since)}</a></li>`}
        <li><a href="#findings">Findings</a></li>
        <li><a href="#expiry">Expiry</a></li>
        <li><a href="#tokens">Service tokens</a></li>
        <li><a href="#applications">Applications</a></li>
      </ul>
    </nav>
  </header>`
}

function fact(name: string, value: Html | string, mark: string | false = false): Html {
  return html`<div${mark && html` class="${mark}"`}><dt>${name}</dt><dd>${value}</dd></div>`
}

/** Hidden until the script can do what they offer. */
function controls({tokens, applications}: Report): Html {
  const folds = tokens.length + applications.length > 0
  return html`<div id="controls" role="search" aria-label="Filter" hidden>
    <form>
      <label for="filter" class="unseen">Filter by name, address or rule</label
      ><input id="filter" type="search" placeholder="Filter by name, address or rule" autocomplete="off" />
      <label for="only" class="unseen">Show only</label
      ><select id="only">
        <option value="">Everything</option>
        <option value="action">Needs action</option>
        <option value="unused">Has unused ways in</option>
        <option value="open">Open to every token</option>
        <option value="off">Disabled or expired</option>
      </select>
      <button type="button" class="plain" id="all" aria-pressed="false" ${!folds && html` hidden`}>
        Unfold all
      </button>
      <span role="status"></span>
    </form>
  </div>`
}

function section(id: string, title: string, lead: string | Html, content: Html): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <p>${lead}</p>
    ${content}
  </section>`
}

interface Head {
  title: string
  sort?: 'text' | 'number'
  /** What is only drawn, and left out on a narrow screen. */
  drawn?: boolean
}

/** A table that the script can sort and filter: each item is a tbody, whose second row, if there is one, folds. */
function mainTable(caption: string, things: string, heads: readonly Head[], bodies: readonly Html[]): Html {
  return html`<table class="main" data-things="${things}">
      <caption class="unseen">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads.map(({title, sort, drawn}) => html`<th scope="col" ${sort && html` data-sort="${sort}"`}${sort === 'number' && html` class="n"`}${drawn && html` class="drawn"`}>${title}</th>`)}
        </tr>
      </thead>
      ${bodies}
    </table>
    <p class="none" ${bodies.length > 0 && html` hidden`}>
      ${bodies.length > 0 ? 'Nothing matches the filter.' : 'None.'}
    </p>`
}

function cell(label: string, content: Html | string | number, key?: number | string): Html {
  return html`<td data-l="${label}" ${key !== undefined && html` data-k="${key}"`}>
    <span>${content}</span>
  </td>`
}

function numberCell(label: string, value: number, about = false, mark: string | false = false): Html {
  const text =
    value === 0
      ? html`<span class="quiet">0</span>`
      : html`<span${mark && html` class="${mark}"`}>${about && '~'}${number(value)}</span>`
  return html`<td class="n" data-l="${label}" data-k="${value}">${text}</td>`
}

function tag(text: string, mark: 'good' | 'bad' | 'warn' | 'quiet' | 'mark'): Html {
  return html`<span class="tag ${mark}">${text}</span>`
}

function findingsSection({findings, notChecked}: Report, most: number): Html {
  const left = findings.length - most
  return section(
    'findings',
    'Findings',
    findings.length === 0
      ? 'Nothing asks for attention.'
      : `What a person should look at, the most pressing first.${left > 0 ? ` The first ${number(most)} of ${number(findings.length)} are here; --csv and --json have all.` : ''}`,
    html`${mainTable(
      'Findings',
      'findings',
      [{title: 'Finding', sort: 'text'}, {title: 'About', sort: 'text'}, {title: 'Why, and what to do'}],
      findings.slice(0, most).map(finding),
    )}${
      notChecked.length > 0 &&
      html`<h3>Not checked</h3>
        <ul>
          ${notChecked.map((why) => html`<li>${why}</li>`)}
        </ul>`
    }`,
  )
}

function finding({kind, trap, severity, about, why, next}: ReportFinding): Html {
  const unused = /unused|never-used/.test(kind) && ' unused'
  return html`<tbody data-is="${severity}${unused}">
    <tr>
      <td>
        ${tag(inWords(trap ?? kind), severity === 'action' ? 'bad' : 'warn')}<span class="unseen"
          >${severity === 'action' ? ', needs action' : ', notice'}</span
        >
      </td>
      <th scope="row">${about}</th>
      <td>${why}${next.map((command) => html`<br /><code>${command}</code>`)}</td>
    </tr>
  </tbody> `
}

function expirySection({tokens, generatedAt}: Report): Html {
  const {picture, words} = timeline(tokens, Date.parse(generatedAt))
  return section(
    'expiry',
    'Expiry',
    html`<span id="expiry-words">${words}</span>`,
    html`<div class="wide" role="region" aria-label="When service tokens expire" tabindex="0">${picture}</div>
      <p class="legend">
        ${tag('expired', 'bad')}${tag('expires within 30 days', 'warn')}${tag('expires later', 'mark')}${tag('disabled', 'quiet')}
      </p>`,
  )
}

function tokensSection(report: Report, most: number): Html {
  const {tokens, applications, rules, findings, record} = report
  const share = shareOf(
    most,
    tokens.map(({opens, formerly}) => opens.length + formerly.length),
  )
  const names = {application: new Map(applications.map((one) => [one.id, one])), rule: nameMap(rules)}
  const place = new Map(applications.map(({id}, at) => [id, at]))
  const pressing = new Set(findings.filter(({severity}) => severity === 'action').map(({token}) => token))
  return section(
    'tokens',
    'Service tokens',
    html`Below each token are the applications that rules name it for. The marks in its row show them from A
    to Z: tall where it was used, low where it was not. Requests are estimates.`,
    mainTable(
      'Service tokens',
      'service tokens',
      [
        {title: 'Service token', sort: 'text'},
        {title: 'State', sort: 'text'},
        {title: 'Expires', sort: 'text'},
        {title: 'Last seen', sort: 'text'},
        {title: 'Opens', sort: 'number'},
        {title: 'Unused', sort: 'number'},
        {title: 'Requests', sort: 'number'},
        {title: 'Refused', sort: 'number'},
        {title: 'Applications', drawn: true},
      ],
      tokens.map((token, at) =>
        tokenRows(token, at, {names, place, share, pressing, whole: record.incomplete === null}),
      ),
    ),
  )
}

interface Names {
  application: ReadonlyMap<string, ReportApplication>
  rule: ReadonlyMap<string, string>
}

const STATES = {active: 'good', disabled: 'quiet', expired: 'bad'} as const

function tokenRows(
  token: ReportToken,
  at: number,
  {
    names,
    place,
    share,
    pressing,
  }: {
    names: Names
    place: ReadonlyMap<string, number>
    share: number
    pressing: ReadonlySet<string | null>
    whole: boolean
  },
): Html {
  const {id, name, zone, status, expiresAt, lastSeenAt, lastUse, allowed, refused, opens, formerly} = token
  const named = opens.filter(({by}) => by === 'named')
  const into = new Set(named.map(({application}) => application)).size
  const unused = named.filter((one) => one.unused).length
  const is = [pressing.has(id) && 'action', unused > 0 && 'unused', status !== 'active' && 'off']
    .filter(Boolean)
    .join(' ')
  return html`<tbody data-is="${is}">
    <tr>
      <th scope="row">
        <span class="name">${name}</span>${zone !== null && html` <small>zone ${zone}</small>`}
      </th>
      ${cell('State', tag(status, STATES[status]))}${cell('Expires', dayOr(expiresAt, 'never'), expiresAt?.slice(0, 10) ?? '')}${cell('Last seen', dayOr(lastSeenAt, lastUse === null ? 'never used' : 'not known'), lastSeenAt?.slice(0, 10) ?? '')}${numberCell('Opens', into)}${numberCell('Unused', unused, false, 'warn')}${numberCell('Requests', allowed, true)}${numberCell('Refused', refused, true)}
      <td>${strip(named, place)}</td>
    </tr>
    <tr class="more" id="t${at}">
      <td colspan="9">${waysTable(name, [...opens, ...formerly], names, share)}</td>
    </tr>
  </tbody> `
}

function waysTable(token: string, ways: readonly Opening[], names: Names, share: number): Html {
  if (ways.length === 0) return html`<p>No rule names it for an application.</p>`
  const nameOf = ({application}: Opening): string => names.application.get(application)?.name ?? application
  const rank = ({unused, by}: Opening): number => (unused ? 0 : by === 'unknown' ? 2 : 1)
  const sorted = ways
    .map((way) => ({way, name: nameOf(way)}))
    .sort((a, b) => rank(a.way) - rank(b.way) || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1))
  const left = ways.length - share
  return html`<table>
      <caption class="unseen">
        What ${token} opens
      </caption>
      <thead>
        <tr>
          <th scope="col">Application</th>
          <th scope="col">Rule</th>
          <th scope="col">From</th>
          <th scope="col" class="n">Requests</th>
          <th scope="col">Last used</th>
        </tr>
      </thead>
      <tbody>
        ${sorted.slice(0, share).map(({way, name}) => wayRow(way, name, names))}
      </tbody>
    </table>
    ${left > 0 && html`<p>And ${number(left)} more, which --csv and --json list.</p>`}`
}

const BY = {
  named: '',
  'any-token': ' (every service token)',
  everyone: ' (everyone)',
  unknown: ' (no longer lets it in)',
}

function wayRow(way: Opening, name: string, names: Names): Html {
  const [address] = names.application.get(way.application)?.addresses ?? []
  const rule =
    way.rule === null ? 'a rule that the record does not name' : (names.rule.get(way.rule) ?? way.rule)
  const from =
    way.by === 'unknown'
      ? ''
      : way.conditions.length > 0
        ? way.conditions.join(', ')
        : way.reach === 'yes'
          ? 'anywhere'
          : 'depends on the request'
  const uses =
    way.uses === null
      ? html`<span class="quiet">none seen</span>`
      : way.unused
        ? tag('unused', 'warn')
        : html`~${number(way.uses)}`
  return html`<tr>
    <th scope="row">
      ${name}${address !== undefined && address !== name && html` <small>${address}</small>`}
    </th>
    <td data-l="Rule">
      <span
        >${rule}${way.rule !== null && BY[way.by]}${way.through.length > 0 && html` <small>through ${way.through.join(' › ')}</small>`}</span
      >
    </td>
    ${cell('From', from)}
    <td class="n" data-l="Requests">${uses}</td>
    ${way.last === null ? html`<td></td>` : cell('Last used', dayOr(way.last, ''))}
  </tr> `
}

const STRIP = {bins: 120, width: 240, height: 16}

/** The applications from A to Z in a row, with a mark at each that the token opens. For the eye only: the table has it all. */
function strip(ways: readonly Opening[], place: ReadonlyMap<string, number>): Html {
  const marks = {used: new Set<number>(), unused: new Set<number>(), unsure: new Set<number>()}
  const bins = Math.max(1, Math.min(STRIP.bins, place.size))
  for (const {application, uses, unused} of ways) {
    const at = place.get(application)
    if (at === undefined) continue
    const bin = Math.floor((at * bins) / place.size)
    marks[uses !== null && uses > 0 ? 'used' : unused ? 'unused' : 'unsure'].add(bin)
  }
  const step = STRIP.width / bins
  const path = (found: ReadonlySet<number>, high: number): string =>
    [...found]
      .sort((a, b) => a - b)
      .map(
        (bin) =>
          `M${round(bin * step)} ${STRIP.height - high}h${round(Math.max(1.2, Math.min(8, step - 0.6)))}v${high}h-${round(Math.max(1.2, Math.min(8, step - 0.6)))}z`,
      )
      .join('')
  const only = (some: ReadonlySet<number>): Set<number> =>
    new Set([...some].filter((bin) => !marks.used.has(bin)))
  const parts: [keyof typeof marks, string][] = [
    ['unused', path(only(marks.unused), 7)],
    ['unsure', path(only(marks.unsure), 7)],
    ['used', path(marks.used, 14)],
  ]
  return html`<svg
    class="strip"
    viewBox="0 0 ${STRIP.width} ${STRIP.height}"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    <path class="all" d="M0 15.5H${STRIP.width}" />
    ${parts.map(([name, d]) => d !== '' && html`<path class="${name}" d="${new Html(d)}" />`)}
  </svg>`
}

function applicationsSection(report: Report, most: number): Html {
  const {applications, tokens, rules, findings} = report
  const inside = new Map<string, {name: string; used: boolean; unused: boolean}[]>()
  for (const {name, opens} of tokens)
    for (const {application, by, uses, unused} of opens)
      if (by === 'named') {
        const one = {name, used: uses !== null && uses > 0, unused}
        const others = inside.get(application)
        if (others) others.push(one)
        else inside.set(application, [one])
      }
  const share = shareOf(
    most,
    applications.map(({tokens: count}) => count),
  )
  const pressing = new Set(
    findings.filter(({severity}) => severity === 'action').map(({application}) => application),
  )
  const ruleNames = nameMap(rules)
  return section(
    'applications',
    'Applications',
    'How many service tokens the rules of each application name, and how many used it.',
    mainTable(
      'Applications',
      'applications',
      [
        {title: 'Application', sort: 'text'},
        {title: 'Address', sort: 'text'},
        {title: 'Open to', sort: 'text'},
        {title: 'Tokens', sort: 'number'},
        {title: 'Used by', sort: 'number'},
        {title: 'Requests', sort: 'number'},
        {title: 'Refused', sort: 'number'},
      ],
      applications.map((one, at) =>
        applicationRows(one, at, {
          inside: inside.get(one.id) ?? [],
          share,
          pressing: pressing.has(one.id),
          ruleNames,
        }),
      ),
    ),
  )
}

function applicationRows(
  {name, zone, type, addresses, open, tokens, used, allowed, refused}: ReportApplication,
  at: number,
  {
    inside,
    share,
    pressing,
    ruleNames,
  }: {
    inside: readonly {name: string; used: boolean; unused: boolean}[]
    share: number
    pressing: boolean
    ruleNames: ReadonlyMap<string, string>
  },
): Html {
  const everyone = open.some(({by}) => by === 'everyone')
  const is = [pressing && 'action', inside.some(({unused}) => unused) && 'unused', open.length > 0 && 'open']
    .filter(Boolean)
    .join(' ')
  const openTo =
    open.length === 0
      ? html`<span class="quiet">${tokens === 0 ? 'no service token' : 'named tokens'}</span>`
      : tag(everyone ? 'everyone' : 'every service token', everyone ? 'bad' : 'warn')
  const left = inside.length - share
  const rest = open.map(
    ({rule, by, reach, conditions}) =>
      `${ruleNames.get(rule) ?? rule} lets in ${by === 'everyone' ? 'everyone' : 'every service token'}${reach === 'yes' ? '' : `: ${conditions.join(', ') || 'depending on the request'}`}`,
  )
  return html`<tbody data-is="${is}">
    <tr>
      <th scope="row">
        <span class="name">${name}</span>
        ${type !== 'self_hosted' && html`<small>${type}</small>`}${zone !== null && html` <small>zone ${zone}</small>`}
      </th>
      ${cell('Address', addresses[0] ?? '', addresses[0] ?? '')}${cell('Open to', openTo)}${numberCell('Tokens', tokens)}${numberCell('Used by', used)}${numberCell('Requests', allowed, true)}${numberCell('Refused', refused, true)}
    </tr>
    <tr class="more" id="a${at}">
      <td colspan="7">
        ${addresses.length > 1 && html`<p>Also ${addresses.slice(1, 1 + MOST_ADDRESSES).join(', ')}${addresses.length > 1 + MOST_ADDRESSES && ', …'}</p>`}${rest.map((text) => html`<p>${text}.</p>`)}
        <p>
          ${
            inside.length === 0
              ? 'No rule names a service token.'
              : html`Rules name
                ${inside.slice(0, share).map((one, index) => html`${index > 0 && ', '}${one.name}${one.unused && html` (${tag('unused', 'warn')})`}`)}${left > 0 && ` and ${number(left)} more`}.`
          }
        </p>
      </td>
    </tr>
  </tbody> `
}

const MOST_ADDRESSES = 20

function changesSection(changes: ReportChanges, most: number): Html {
  const {opened, closed, tokens, applications, findings} = changes
  const ways = (all: typeof opened): Html[] =>
    all
      .slice(0, most)
      .map(({token, application, rule}) => html`<li>${token} → ${application} <small>by ${rule}</small></li>`)
  const objects = (all: typeof tokens): Html[] =>
    all
      .slice(0, most)
      .map(
        ({name, change, from, to}) =>
          html`<li>${name} <small>${change}${from !== null && html`: ${from} → ${to}`}</small></li>`,
      )
  const found = (all: typeof findings.new): Html[] =>
    all
      .slice(0, most)
      .map(({kind, trap, about}) => html`<li>${about} <small>${inWords(trap ?? kind)}</small></li>`)
  const list = (title: string, count: number, items: Html[]): Html | false =>
    count > 0 &&
    html`<div>
      <h3>${title} (${number(count)})</h3>
      <ul>
        ${items}
      </ul>
      ${count > items.length && html`<p class="quiet">And ${number(count - items.length)} more, which --csv and --json list.</p>`}
    </div>`
  const lists = [
    list('Opened', opened.length, ways(opened)),
    list('Closed', closed.length, ways(closed)),
    list('Service tokens', tokens.length, objects(tokens)),
    list('Applications', applications.length, objects(applications)),
    list('New findings', findings.new.length, found(findings.new)),
    list('Findings that are gone', findings.gone.length, found(findings.gone)),
  ]
  return section(
    'changes',
    `Changes since ${day(changes.since)}`,
    lists.some(Boolean)
      ? 'What is different from the earlier report.'
      : 'Nothing is different from the earlier report.',
    html`<div class="columns">${lists}</div>`,
  )
}

/** How many rows each may have, so that all together have at most so many; what some do not need, the others get. */
function shareOf(most: number, wanted: readonly number[]): number {
  const sorted = [...wanted].sort((a, b) => a - b)
  let left = most
  for (const [at, count] of sorted.entries()) {
    const share = Math.floor(left / (sorted.length - at))
    if (count > share) return share
    left -= count
  }
  return Infinity
}

const nameMap = (all: readonly {id: string; name: string}[]): ReadonlyMap<string, string> =>
  new Map(all.map(({id, name}) => [id, name]))

/** `any-valid-token` → `Any valid token`. */
function inWords(kind: string): string {
  const words = kind.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const day = (time: string): string => time.slice(0, 10)

function dayOr(time: string | null, otherwise: string): Html {
  return time === null
    ? html`<span class="quiet">${otherwise}</span>`
    : html`<time datetime="${time}">${day(time)}</time>`
}

const FORMAT = new Intl.NumberFormat('en')
const number = (value: number): string => (value < 1000 ? String(value) : FORMAT.format(value))
const round = (value: number): number => Math.round(value * 10) / 10
