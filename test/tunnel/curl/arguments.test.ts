import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {checkUrl, factsOf, isNowhere, readCurlArguments} from '../../../src/lib/tunnel/curl/arguments.js'
import {UserError} from '../../../src/lib/core/errors.js'

/** The code of the error that this throws. */
function codeOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error.code
    throw error
  }
  return 'none'
}

describe("curl's arguments", () => {
  it.each<[words: string[], args: string[]]>([
    [[], []],
    [['-s'], ['-s']],
    [['-sS'], ['-s', '-S']],
    [['-sSf'], ['-s', '-S', '-f']],
    [['-i'], ['-i']],
    [['-I'], ['-I']],
    [['--head'], ['--head']],
    [['-#'], ['-#']],
    [['-0'], ['-0']],
    [['-4'], ['-4']],
    [['-N'], ['-N']],
    [
      ['-X', 'POST'],
      ['--request', 'POST'],
    ],
    [['-XPOST'], ['--request', 'POST']],
    [['-sXDELETE'], ['-s', '--request', 'DELETE']],
    [
      ['--request', 'patch'],
      ['--request', 'patch'],
    ],
    [
      ['-o', 'file'],
      ['--output', 'file'],
    ],
    [['-ofile'], ['--output', 'file']],
    [
      ['-sSo', '-L'],
      ['-s', '-S', '--output', '-L'],
    ],
    [
      ['-d', 'a=b'],
      ['--data', 'a=b'],
    ],
    [
      ['-d', '-k'],
      ['--data', '-k'],
    ],
    [
      ['--data-binary', '@file'],
      ['--data-binary', '@file'],
    ],
    [
      ['--json', '{}'],
      ['--json', '{}'],
    ],
    [
      ['-F', 'a=@file'],
      ['--form', 'a=@file'],
    ],
    [
      ['-H', 'Accept: text/plain'],
      ['--header', 'Accept: text/plain'],
    ],
    [
      ['-H', 'Accept:'],
      ['--header', 'Accept:'],
    ],
    [
      ['-H', 'X-Empty;'],
      ['--header', 'X-Empty;'],
    ],
    [
      ['-m', '5'],
      ['--max-time', '5'],
    ],
    [
      ['-x', 'http://proxy:3128'],
      ['--proxy', 'http://proxy:3128'],
    ],
    [['--compressed'], ['--compressed']],
    [['--tlsv1.3'], ['--tlsv1.3']],
  ])('%j are understood', (words, args) => {
    expect(readCurlArguments(words)).toMatchObject({args, writeOut: '', readsStdin: false, kept: []})
  })

  it.each([
    ...['-L', '--location', '--location-trusted', '-sL', '-sSLo', '--max-redirs', '--post301', '--proto'],
    ...['-K', '--config', '-Kfile', '-q', '--disable', '-n', '--netrc', '--netrc-file'],
    ...['--next', '-:', '--url', '-Z', '--parallel', '--variable', '--expand-data', '--expand-url'],
    ...[
      '--resolve',
      '--connect-to',
      '--unix-socket',
      '--abstract-unix-socket',
      '--request-target',
      '--doh-url',
    ],
    ...['--alt-svc', '--hsts', '--preproxy', '--proxy-header', '--haproxy-protocol', '--aws-sigv4'],
    ...['-k', '--insecure', '-sk', '--cacert', '--capath', '--proxy-insecure', '--engine', '--no-insecure'],
    ...['-v', '--verbose', '--trace', '--trace-ascii', '--trace-config', '--libcurl', '--stderr', '-svo'],
    ...['-h', '--help', '-V', '-M', '--manual'],
    ...['--loc', '--locatio', '--data=x', '--unknown', '-?', '-\u00E9', '--max-time=5', '---', '-l'],
  ])('%s is refused', (word) => {
    expect(codeOf(() => readCurlArguments([word, 'x']))).toBe('CURL_OPTION_REFUSED')
  })

  it.each([['https://elsewhere.example/'], ['elsewhere.example'], ['-'], ['--'], ['']])(
    '%j is a second URL, or none',
    (word) => {
      expect(codeOf(() => readCurlArguments(['-s', word]))).toBe('CURL_SECOND_URL')
    },
  )

  it.each([
    ['Host: elsewhere.example'],
    [' host : elsewhere.example'],
    ['HOST;'],
    ['CF-Access-Client-Id: x'],
    ['cf_access_client_secret: x'],
    ['Cf-Access-Token: x'],
    ['@headers.txt'],
    ['@-'],
    ['X: a\r\nHost: elsewhere.example'],
    ['X: a\nY: b'],
    ['no colon'],
    ['Transfer-Encoding: chunked'],
    ['Content-Length: 3'],
    ['Connection: x'],
  ])('the header %j is refused', (header) => {
    expect(codeOf(() => readCurlArguments(['-H', header]))).toBe('CURL_HEADER_REFUSED')
  })

  it.each([
    [['-w', '@format'], 'CURL_VALUE_REFUSED'],
    [['-w', '%output{file}x'], 'CURL_VALUE_REFUSED'],
    [['-X', 'GET /x HTTP/1.1'], 'CURL_VALUE_REFUSED'],
    [['-X', 'CONNECT'], 'CURL_VALUE_REFUSED'],
    [['-o'], 'CURL_VALUE_MISSING'],
    [['--data'], 'CURL_VALUE_MISSING'],
  ])('%j is refused', (words, code) => {
    expect(codeOf(() => readCurlArguments(words))).toBe(code)
  })

  it.each([
    ['-d', '@-'],
    ['--data-binary', '@-'],
    ['--data-urlencode', 'name@-'],
    ['--json', '@-'],
    ['-T', '-'],
    ['-T', '.'],
    ['-F', 'a=@-'],
    ['-F', 'a=<-'],
    ['-F', 'a=@-;type=text/plain'],
    ['-b', '-'],
  ])('%s %s reads stdin', (option, value) => {
    expect(readCurlArguments([option, value]).readsStdin).toBe(true)
  })

  it.each([
    [['-c', 'jar'], [{option: 'cookie-jar', file: 'jar'}]],
    [['-scjar', '--cookie-jar', 'last'], [{option: 'cookie-jar', file: 'last'}]],
    [
      ['-D', 'heads', '-c', '-'],
      [
        {option: 'dump-header', file: 'heads'},
        {option: 'cookie-jar', file: '-'},
      ],
    ],
  ])('%j: zt writes the files that may have a session of Access in them', (words, kept) => {
    const read = readCurlArguments(words)
    expect(read.kept).toEqual(kept)
    expect(read.args.join(' ')).not.toMatch(/jar|heads|last/)
  })

  it.each([
    ['-i'],
    ['--include'],
    ['--show-headers'],
    ['-sI'],
    ['--head'],
    ['-i', '-o', '-'],
    ['-Io', '/dev/null'],
  ])('%j shows the headers, which zt reads', (...words) => {
    expect(readCurlArguments(words).showsHeaders).toBe(true)
    expect(readCurlArguments(['-A', '-i', '-o', 'x']).showsHeaders).toBe(false)
  })

  it.each<[file: string, elsewhere: boolean, onWindows: boolean]>([
    ['/dev/null', true, false],
    ['NUL', false, true],
    ['nul:', false, true],
    ['\\\\.\\nul', false, true],
    ['nul.txt', false, false],
    ['.\\nul', false, false],
    ['-', false, false],
  ])('%s keeps nothing: %s, on Windows %s', (file, elsewhere, onWindows) => {
    expect([isNowhere(file, 'linux'), isNowhere(file, 'win32')]).toEqual([elsewhere, onWindows])
  })

  it.each([
    [['-i', '-o', 'file'], 'CURL_HEADERS_MIXED'],
    [['-ofile', '-I'], 'CURL_HEADERS_MIXED'],
    [['-Oi'], 'CURL_HEADERS_MIXED'],
    [['--head', '--remote-name'], 'CURL_HEADERS_MIXED'],
    [['-i', '--retry', '3'], 'CURL_HEADERS_MIXED'],
    [['-i', '-o', '/dev/null', '--create-dirs', '--output-dir', 'x'], 'CURL_HEADERS_MIXED'],
    [['--no-clobber', '-I', '-o', '/dev/null'], 'CURL_HEADERS_MIXED'],
    [['-D', '-'], 'CURL_VALUE_REFUSED'],
    [['-w', '%{header_json}'], 'CURL_VALUE_REFUSED'],
    [['-w', 'a%header{Set-Cookie}b'], 'CURL_VALUE_REFUSED'],
    [['-w', '%header{set-cookie:all:,}'], 'CURL_VALUE_REFUSED'],
  ])('%j could show a session of Access, and is refused', (words, code) => {
    expect(codeOf(() => readCurlArguments(words))).toBe(code)
  })

  it("the person's write-out is kept apart", () => {
    expect(readCurlArguments(['-w', '%{http_code}\\n', '-s'])).toMatchObject({
      args: ['-s'],
      writeOut: '%{http_code}\\n',
    })
  })

  it('what is passed on begins with an understood option, whatever is given', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('-s', '-sS', '-d', '-H', '-L', '--location', '-o', '-k', 'A: b', '--next', '-K', '@-'),
      fc.string({maxLength: 4}).map((letters) => `-${letters}`),
      fc.string().map((text) => `--${text}`),
    )
    fc.assert(
      fc.property(fc.array(word, {maxLength: 6}), (words) => {
        let read
        try {
          read = readCurlArguments(words)
        } catch (error) {
          expect(error).toBeInstanceOf(UserError)
          return
        }
        // Read again, they mean the same: nothing that was a value has become an option.
        expect(readCurlArguments(read.args).args).toEqual(read.args)
        for (const bad of ['-L', '-k', '-K', '-v', '--location', '--next', '--config'])
          for (const [at, one] of read.args.entries())
            if (one === bad) expect(read.args[at - 1]).toMatch(/^--[a-z]/)
      }),
    )
  })
})

describe('the URL', () => {
  it.each([
    ['https://app.example.com', 'https://app.example.com/', 'app.example.com', '/'],
    ['https://app.example.com/a?b=c', 'https://app.example.com/a?b=c', 'app.example.com', '/a'],
    ['https://APP.example.com./a#part', 'https://app.example.com/a', 'app.example.com', '/a'],
    ['HTTPS://app.example.com:443/', 'https://app.example.com/', 'app.example.com', '/'],
    ['https://app.example.com/{a,b}[1-3]', undefined, 'app.example.com', undefined],
    ['https://\u00C4pp.example.com/a', 'https://xn--pp-uia.example.com/a', 'xn--pp-uia.example.com', '/a'],
    ['https://app.example.com/a/../b', 'https://app.example.com/b', 'app.example.com', '/b'],
  ])('%s is requested of its host', (text, url, host, path) => {
    const read = checkUrl(text)
    expect(read.host).toBe(host)
    if (url !== undefined) expect(read).toMatchObject({url, path})
  })

  it.each([
    'http://app.example.com/',
    'app.example.com',
    'ftp://app.example.com/',
    'file:///etc/passwd',
    'https:app.example.com',
    'https:///app.example.com',
    'https://user@app.example.com/',
    'https://user:secret@app.example.com/',
    'https://app.example.com@elsewhere.example/',
    'https://@app.example.com/',
    'https://app.example.com:8443/',
    'https://app.example.com\\@elsewhere.example/',
    'https://app.example.com /',
    'https://app.example.com/\n',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://[::1]/',
    'https://{a,b}.example.com/',
    'https://\u00E4pp.example.com/\u00E4',
    'https://\u00E4pp@app.example.com/',
    'https://app\u00AD.example.com/',
    '-L',
    '',
  ])('%j is refused', (text) => {
    expect(codeOf(() => checkUrl(text))).toMatch(/^BAD_(URL|HOSTNAME)$/)
  })

  it.each([
    ['app.example.com', 'zt curl https://app.example.com'],
    ['app.example.com:8443/a', 'zt curl https://app.example.com/a'],
    ['http://app.example.com/a', 'zt curl https://app.example.com/a'],
    ['https://app.example.com:8443/a;b', "zt curl 'https://app.example.com/a;b'"],
    // Not clear, or not to be repeated.
    ['http://user@app.example.com/', 'zt curl https://HOST/PATH -- CURL-OPTIONS'],
    ['http://app.example.com/?key=1', 'zt curl https://HOST/PATH -- CURL-OPTIONS'],
    ['http://127.0.0.1/', 'zt curl https://HOST/PATH -- CURL-OPTIONS'],
    ['ftp://app.example.com/', 'zt curl https://HOST/PATH -- CURL-OPTIONS'],
    ['-L', 'zt curl https://HOST/PATH -- CURL-OPTIONS'],
  ])('%s is answered with %s', (text, form) => {
    expect(() => checkUrl(text)).toThrow(expect.objectContaining({next: [form]}) as UserError)
  })
})

describe('what an explanation learns of the request', () => {
  it.each<[string[], object]>([
    [['-sS', '-d', 'x=1'], {}],
    [['-b', 'CF_Authorization=x'], {cookie: true}],
    [['-H', 'x-requested-with: XMLHttpRequest'], {xhr: true}],
    [['-H', 'X-Requested-With: fetch'], {}],
    [['-E', 'client.pem', '--key', 'client.key'], {certificate: true}],
  ])('%j', (words, more) => {
    const facts = factsOf(checkUrl('https://app.example.com/a?b'), readCurlArguments(words))
    expect(facts).toEqual({path: '/a', cookie: false, xhr: false, certificate: false, ...more})
  })
})
