// Made by scripts/bundle-words.mjs: the words of zt's own texts.
export const WORDS = `
a aaaa abort aborted aborterror about above absent absolute abstract ac accept accepted accepts
access accessevents accesssync account accountid accounts accounttag across act action activated
active activity add addition addon addonerror addr address addresses adds adklrxyfvw admit admits
admitted adopt adopted adoption aes after again age agent ago agree agrees ahead algo alias aliases
alive all allow allowed allowfails allows allusersprofile alone alpn already also alt alternative
although alto always ambiguous among ams an analytics and anew anon another answer answered answering
answers any anyauth anyone anything anyway anywhere apart api apicodes apierror apitoken
apitokenstore apiurl apiversion app appdata appear appeared append appid apple application
applicationref applications applies apply approval approvals approver approvingpolicyid apps apt ar
arch are area args argument argumentcompleter arguments armor arrive arrived as ascii ask asked
asking askpassphrase asks at attach attached attempts attrib attribute attributes aud audit auth
authenticate authenticates authentication authenticators authorised authority authorization
authorized authz authzid auto automation available avast avg away aws ax b back background
backslashes backtick backup bad banner bar bare barracuda bash bashopts bashrc basic bat batch bavail
be bearer beast because become been before began begin beginning begins begun behind being belong
belongs below beside best between big bin binary bind binding bindings bitdefender bits blank blanks
blksize block blocked blocks blue body bookmark boolean boot bot both bound boundin break brew bring
broke broken browser bsize budget buffer bug bugerror builtin bundle burp bus buserror busy but by
bykey bypass byte bytes c ca cacert cache caches cafile call called calls came can cancelled
candidates cannot canonicaldomains capath captive care carried carries carry cas case caused causes
cc ccc ccm cd cdpath cellar centre cert certain certificate certificates certs cf cfast cfrayid chain
challenge challenged change changed changes changing character characters charles charset check
checkcontinue checked checking checks child chmod choice choose chooseaccount chooses choosing chose
chosen chown chunk chunked cidr ciphers cisco cjs claim claims classpath clean clear clearly cli
client clienterror clientid clientip clientsecret clipboard clobber clock clockahead clocks close
closed closes cloudflare cloudflared cloudflarestatus cmd cmdkey cn cnt coat code collection color
colours columns com combines comes command commandast commandelements commandline commandname
commands commas commit common commonprogramfiles comp compadd company compare compared compares
comparing compdef compiled compinit complete completely completion completionresult completions
compopt compreply compressed compromised compset comspec cond condition conditional conditions conf
config configuration configured confirm confirmed confirms conflict conflicts connect connected
connecting connection connectionerror connections connector connects connectto connrefused consent
consists console consumer contain contains content context contexts continue control controlmaster
controlpath controlpersist convert cookie cookies copied copy copyleft core correct cors could count
counterpart countries country counts cover covers cp cpath cq create createapplication created
creategroup createpolicy creates createservicetoken creating creation credential credentials criteria
crlf crlfile crt ct ctr ctrl ctx ctype curl current cursorposition curves custom cut cwd cycle d
damaged darwin dash dashboard dashes data database date datetime day days db dbus de deadline debug
decide decided decides decision decrypt default del delay delegation delete deleteapplication deleted
deletegroup deletepassword deletepolicy deletes deleteservicetoken deleting deletion delivered denied
denies deny depend depends depth der des desc describes descriptor desktop destination destinations
destroyed detach detail details dev developers development device df dg dhe did died differ
difference different differs digest digit digits dimensions dir direct directly directories directory
dirs dirty disable disabled disabling disagree disallow discarded disk display dist distinguished dll
dns do docker docs doctor document documented documents does doh doing domain domains done dot
dotfiles dots dotted doubtful doubts down download drain drive dry dryrun dumb dump duphandle
duplicate duration dynamic dynamicforward e ea eacces each eaddrinuse eagain eai ealready earlier
early earlydata ebusy ecdhe ecdsa ech echo econnaborted econnrefused econnreset ecr edge edit edited
editing editor edits edquot eexist efbig effect effective effort egd egmnoqstvwenqsty ehostunreach
einval eio eisdir either elif eloop else elsewhere email emails embed emfile emlink empty en enable
enabled enabling enametoolong encoded encoding encrypt encrypted encryption end ended endian ending
endoffset endpoint ends enetunreach engine engines enodata enodev enoent enospc enotconn enotdir
enotfound enotsup enough enrol entity entra entries entry env environment environmenthosts enxio
eperm epipe eprt epsv equal erase erased erofs err error errors escape eset esrch established estale
etag etc etimedout etm eu evaluate evaluated evaluates evaluating evaluation even event events every
everyone everything everywhere exact exactly example exceed exceeded except exclude excluded excludes
exe exec executable exempt exist existing exists exit exitcode exp expand expect expectation
expectations expected expecting expire expired expires expiresat expiring explain explained export
expose exposed expression extend extending extension extensions extent external extra extracted
eyeballs eyj ez f fa fact factor facts fail failed fails failure false family far fast fastopen fd
fdnames fds feature features fetch fi fiddler field fields file fileprotocolhandler files filesize
filter filtered finally find finding findings finds fingerprint finish finished finishes firewall
first fish fit five fix fixed fixes flag flags follow follows for forbidden force forcepoint foreach
foreign forever form format formats fortigate forward forwardagent forwards found four fpath fragment
frame free freedesktop from front ftp full funcstack function functions further g gateway gave gb
gcloud gcm gconv gen generate generic geo get getapplication getbytes getgroup getorganization
getpassword getpolicy gets getservicetoken gib git github give given gives global
globalknownhostsfile globoff gnome gnutls go goes going gone goodbye google gpg grace graphql group
groups gssapi gu h had half hand hangs happens happy haproxy hard harm has hash have head header
headers hello help helper helpers here hex hexadecimal hidden hides high history hmac hold holds home
homebrew homedrive homepath horizon host hostaliases hosted hostkeyalias hostname hosts hour hours
how hpe hsts html http httpbasic https httpsig hyphen i iboss ic id identity identityprovider idle
idlems idp idps ids if ifs ignorable ignore ignored ignores immediate import imported impossible in
include included includes incomplete index info information infrastructure inherit ini init
initialise initialised inline inode input inputobject insecure inserted inside inspected inspection
install installation installed instead instructions integer integration intercepted interface
internal interpreter interrupted interruptible into invalid invoke ip ipaddress ipfs ir is iso
isolation isprogram issuccessfullogin issue issuer it item its itself j jar java javascript jdk job
join journal js json jump junk just justification k kaspersky keep keepalive keeps kept kernel key
keychain keygen keyid keyring keys keytar keyword kib kill killed kind kinds know knowledge known
knownhosts knownhostsfile knows krb kubeconfig kubernetes kv kwallet l label lack lacks lang language
large larger last lasts late later latest launcher lc ld lead leads least leave leaves left leftovers
legacy length let lets letter letters level lib libcurl libnss libraries library libsecret libssh
lifetime lifo like limit limited limiting limits line lines link linked links linux list listaccounts
listactivatablenames listapplications listed listen listener listening listens listenstream
listgroups listing listpolicies lists listservicetokens listzones live lived lives load loaded loads
local localappdata locale localforward localhost location lock locked locks locpath log logfile
logged logging login loglevel logname logout logs long longer look looked looking looks lookup
loopback lose lost low lower lowest ls lstart lstatsync lt lua m machine machines macos made mail
make makepolicyreusable makes making malformed malloc managed management manager manages manifest
manual many map mark marks mask masked masks match matched matches max maxbytes may mayshareapitoken
mayuseenvironment mcafee mcp md me mean means meant meantime meanwhile measured medium meet meeting
meets member members membership memory message messages met meta metalink meter method methods mfa
mib middle min minute minutes minversion mismatch missing missingpermissions mitigated mitmproxy
mixed mjs mkdir mkfifo mode modes modules moment more most move moved moves moving mptcp mr ms mtls
much must n name named namehasowner nameless names narrow native nearly nec need needed needs
negotiate negotiated neither net netrc netskope network networks never new newer newest newname next
nfc nix nlspath no noanswererror node nodejs nodelay non none noproxy nor nosniff nospace not
notation note notes nothing nothttperror notice notify now nowhere npm npmjs npn ns nslookup nspr
ntlm ntp nul null number numbers o oauth oauthbearertoken object objects occurred oclif odd of off
offer offers offline offset oidc ok okta old older oldpwd omit on once one onfailure only
onlyprevious onnote opc open opened openedat opens openssh openssl operation opt option optional
optionally options opts or order orderby orderly org organisation organization organizations origin
original originalhost origins orphan os other otherprofiles others otherwise our out outcome
outcomeunknown output outputencoding outside over overflow overlap overloaded overridden overrides
overtaken overview overwrites own owner owners owns p pace package packet page pager pages pair pairs
palo parallel param parametervalue parent part partitioned partly parts pass passed passedover passes
passphrase passwd password past pasv patch path pathext paths patience patiencems pattern patterns
pause payload pem pending people per perhaps period perllib permanent permission permissions
permitted person php phprc pid pieces pinentry ping pinnedpubkey pipe piped pipes pkce pki place
placeholder places plain plan planned platform point policies policy port portal ports post posture
powershell precedence prefix preflight premature preproxy present presents pret prevent prevents
previous previousuntil print printed printf prints prior priority private probe proc process
processes processor product profile profileexists profilename profiles profilesource profilestore
program programdata programfiles programs progress project prompt prompting properties protect
protected protection protects proto protocol protocolerror providers provisional provisioning proxied
proxies proxy proxycommand proxyerror proxyjump proxytunnel proxyusefdpass ps psmodulepath pub pubkey
public purpose pushd put pwd q qlogdir qo queries query question quota quote quoted quotes r ramfs
random range rate ratelimit raw ray rcpt rdp reach reached reaches read readable readalias readback
reader reading reads ready real reason received recipient recipients recognises record recorded
recorders records recover recovery recursive redir redirect redirs refer reference referenced referer
refresh refreshservicetoken refusals refuse refused refusederror refuses region register registration
regular rehearsal reinstall reject rejects rejectunauthorized relative release releases remembers
remote remoteforward remove removed removes removing rename renamed renamedfrom renaming renders
renumbered repair repaired repeats replace replaceapplication replaced replacegroup replacepolicy
replaces replayed report reported reports reqd request requested requests require required
requirement requirements requires res reserved reset resolv resolve resolved resolver resource
resources response rest restart restarting restarts restore restrictions result resync retry
retryafterseconds return returned returns reusable reveal reverting reverts revoke revoked revoking
right rights risk rm roaming root rotate rotated rotateservicetoken rotating rotation route rsa rsync
rubylib rubyopt rule rules run running runs runtime s saas safe same samesite saml samlattributes
sample samples sandbox sarif sasl save saved saves saving saw say saying says sbin scan schemastore
scheme scim score scp script scriptblock scripts seahorse search searchitems sec seclevel second
seconds secret secrets secretservice secretstring secretversion section sections secure secureconnect
secureconnection securecontext security see seem seems seen sees segment select selector selectors
self send sendenv sending sends sense sensitive sent separate separated served server
serveraliveinterval servername servers service servicetoken servicetokenid session sessionid sessions
set setpassword sets setting settings settle settled settlement settling setup setups several sh sha
shadowed share shared shares shell shellopts short shorten should show showed shown shows sigalgs
sigalrm sigbreak sigchld sigcont sighup siginfo sigint sigio sigkill signal signals signature signed
sigpwr sigquit sigstop sigterm sigtstp sigurg sigvtalrm sigwinch sigxcpu sigxfsz silent since single
sinkhole site size sk skip skipped skips skyhigh slashes slow snap sni sntp so sock socket socketmode
sockets socks some someone something soon sophos source sourcemap sp space spaces spawn speak
specific speed spelling spki split spool squid src ss ssh sshd sshwithpair ssl ssldebug ssldebugfile
sslkeylogfile ssltrace sso stack start started starts stat state statsync status stay stays stderr
stdin stdout step stepfailed steps still stop stopped store stored stores stray stream strict string
styled subject success such sudo suffix suffixes suggests suites support supports suppress svc switch
switches symantec sync sys system systemd systemdrive systemroot t ta tab table tables tag take taken
takes taking target targets taskkill tcp td te team tell tells telnet temp temporary term terminal
terraform test tested text tftp than that the their theirs them then there these they thing this
those thread three through throw thrown time timed timedatectl timeout timeouterror timeoutms times
timing title tls tlsauthtype tlspassword tlsuser tmp tmpdir tmpfs to today together tojson token
tokenid tokenref tokens tokenzone toml too tool top tos total tr trace trailer trailers transfer
transferred transport trap traps treat tried tries true trust trusted trusts try trying ts tsx tty
tunnel turn twice two txt type tz u uid ulimit umbrella un unattended unauthenticated unauthorized
unavailable unbound uncaughtexception uncertain unchanged unchecked unclear und undefined under
underscores undo undoes undoing undone unencrypted unexpected unexpectedly unfinished
unhandledrejection union unit unix unknown unless unlock unmatched unnamed unreachable unread
unreadable unreferenced unsafe unscored unseen unsendable unset unsupported until untouched unusable
unused unusedms up update updated updatedat updateservicetoken upgrade upload uri uris url urlencode
us usable usage use used user usererror userknownhostsfile username usernames userprofile users uses
usr usual usually utc utf uuid v valid value values var variable variables vault verbose verdict
verify verifyaccounttoken verifying verifyusertoken version versions via viewer visible visual vlan
vnet volatile w waf wait waited waiting waits wanted warn warning warnings warp was watchguard way wb
wdebug wdhms web website websocket websockets well went were what whatever when where wherever
whether which whichever while who whoami whoever whole whom whose why widen wider width will wincred
windir windows winget with withheld within without word wordbreaks words wordtocomplete work worked
worker workflow working works workspace world would wrap wrapper writable write writes writing
written wrong wrote ws wslview www wx x xa xattr xb xdg xhr xmlhttprequest y yaml year years yes yet
you your yours yourself z za zdotdir zero zl zone zoneid zoneoperationid zones zonesearch zp zs
zscaler zsh zshrc zt zz
`
