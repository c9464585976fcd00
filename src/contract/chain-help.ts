import type { LinkReason } from '../domain/dashboard-chain/link.ts';
import type { ErrorHelp } from './error-help.ts';

/** What a person needs to know about each reason of a broken or weak link: kept in docs/errors/chain. */
export const CHAIN_HELP: Readonly<Record<LinkReason, ErrorHelp>> = {
  'gateway-not-listening': {
    whatHappened: 'Nothing takes connections at the port of the gateway: its process has ended.',
    howToFix:
      'Dash starts a managed gateway again by itself; `dashctl gateway get` says how far that is. Start an adopted one on its machine, or send `dashctl gateway recover` when Dash manages it.',
  },
  'gateway-hung': {
    whatHappened:
      'The port takes connections, but no answer comes in time: the process is frozen, or its event loop is blocked.',
    howToFix:
      '`dashctl gateway restart` drains it first. On an adopted gateway look at its machine: memory, disk, a stopped process.',
  },
  'gateway-resets': {
    whatHappened: 'The port takes connections and closes them before an answer.',
    howToFix:
      'Something listens there for a process that is gone, or the gateway is ending. Look at its log; `dashctl gateway restart` starts it anew.',
  },
  'gateway-foreign-answer': {
    whatHappened:
      'Somebody answers at the port, and it is no gateway: another program has taken the port, or the endpoint is a wrong one.',
    howToFix:
      'Find the program (`ss -ltnp`) and end it, or give the gateway another port. Dash ends nothing that it did not start, and shows it no token.',
  },
  'gateway-starting': {
    whatHappened:
      'The gateway is starting, which takes 8 to 12 seconds alone and longer in company.',
    howToFix: 'Wait. After two minutes it counts as broken, with the reason that is seen then.',
  },
  'gateway-not-ready': {
    whatHappened:
      'The gateway lives and says itself that it is not ready; the evidence has its words.',
    howToFix:
      'What it names is usually a channel or a provider in its configuration. Look at its log; a restart does not help while the cause is there.',
  },
  'gateway-no-dashboard': {
    whatHappened:
      'The gateway is ready and answers no page at `/`: its dashboard is turned off, as it is in gateways that Dash starts.',
    howToFix:
      'Set `gateway.controlUi.enabled` to true in its configuration and restart it; or watch no dashboard there (`dashctl chain remove`).',
  },
  'forward-no-listener': {
    whatHappened: 'The gateway works, and nothing listens at the port of the forward to it.',
    howToFix: 'Start the forward. Look in its log for why it ended.',
  },
  'forward-foreign-listener': {
    whatHappened: 'Another program listens at the port of the forward; the evidence names it.',
    howToFix:
      'End that program, or choose another port for the forward. Dash ends nothing that it did not start, and shows it no token.',
  },
  'forward-hung': {
    whatHappened: 'The forward takes connections and passes nothing on: its way is dead.',
    howToFix: 'Start the forward anew; keep-alives of 15 s end a dead way within 45 s.',
  },
  'forward-wrong-target': {
    whatHappened: 'The forward works, and nothing answers at the port that it leads to.',
    howToFix: 'Compare the port of the forward with the one that the gateway listens on.',
  },
  'forward-crossed': {
    whatHappened: 'The forward leads to another gateway than the one that it belongs to.',
    howToFix: 'Compare its port and its host with those of the gateway, then start it anew.',
  },
  'forward-wrong-bind': {
    whatHappened: 'The forward listens on another address than the access URL needs.',
    howToFix: 'Start it anew with the address that the evidence names as wanted.',
  },
  'cors-origin-refused': {
    whatHappened:
      'The gateway refuses WebSockets of a page that people use: the page loads, and stays offline.',
    howToFix:
      'Dash adds exactly these origins by itself unless healing is off, never `*`. By hand: `gateway.controlUi.allowedOrigins` of its configuration.',
  },
  'cors-origins-not-effective': {
    whatHappened:
      'The configuration names every origin, and the gateway refuses some: it has not read it since it was changed.',
    howToFix: 'Restart the gateway: with the reload mode `hot` it ignores changes of origins.',
  },
  'cors-origin-left-over': {
    whatHappened:
      'Dash has let a page in that people used before the access URL changed; the gateway still lets it in.',
    howToFix:
      'Dash takes it away at its next heal (`dashctl chain heal`); origins that others have put there stay.',
  },
  'cors-open-to-all': {
    whatHappened:
      'The configuration lets in `*`: whatever page somebody opens may speak to the gateway from his browser.',
    howToFix:
      'Replace `*` in `gateway.controlUi.allowedOrigins` by the origins that `dashctl chain status` shows. Dash takes nothing away that it did not put there.',
  },
  'external-unreachable': {
    whatHappened: 'Nothing listens where the access URL leads to.',
    howToFix: 'Start the proxy or the tunnel; look whether a firewall drops its port.',
  },
  'external-unresolved': {
    whatHappened: 'The host name of the access URL has no address.',
    howToFix:
      'Correct the name, or its DNS record. Quick tunnels get another name at each start: `dashctl chain set` with the new one.',
  },
  'external-timeout': {
    whatHappened: 'The access URL takes connections and does not answer in time.',
    howToFix: 'Look at the log of the proxy; the gateway itself answers.',
  },
  'external-certificate-refused': {
    whatHappened: 'Browsers do not trust the certificate; the evidence has the reason of OpenSSL.',
    howToFix:
      'Present a certificate of a known authority with the name of the access URL. For one of your own pin its fingerprint: `dashctl chain set --pin`.',
  },
  'external-certificate-changed': {
    whatHappened:
      'The certificate is another one than the one that was pinned. A renewal looks like this, and so does somebody in between.',
    howToFix:
      'Compare the fingerprint of the evidence with your own record; only then pin the new one. Dash trusts none by itself.',
  },
  'external-certificate-expired': {
    whatHappened: 'The certificate of the access URL has expired, and browsers refuse it.',
    howToFix: 'Renew it and reload the proxy.',
  },
  'external-certificate-expires': {
    whatHappened: 'The certificate of the access URL expires within two weeks.',
    howToFix: 'Renew it and reload the proxy; look why that did not happen by itself.',
  },
  'external-upstream-down': {
    whatHappened: 'The proxy answers, and does not reach the gateway, which works.',
    howToFix:
      'Compare the address behind the proxy (nginx: `proxy_pass`) with that of the gateway.',
  },
  'external-proxy-auth': {
    whatHappened: 'The proxy asks for a password of its own before anything reaches the gateway.',
    howToFix:
      'If it is meant to, pause nothing and watch another URL; otherwise take it away (nginx: `auth_basic off;`).',
  },
  'external-no-upgrade': {
    whatHappened:
      'Pages arrive through the proxy, WebSockets do not: it does not pass the upgrade on.',
    howToFix:
      'nginx: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`',
  },
  'external-socket-fails': {
    whatHappened: 'Pages arrive, and WebSockets fail in another way; the evidence says in which.',
    howToFix: 'Look at the log of the proxy for the path of the dashboard.',
  },
  'external-origin-rewritten': {
    whatHappened:
      'The gateway lets the page in when asked directly, and refuses it through the access URL: something changes the Origin header.',
    howToFix: 'Take the rule away that sets `Origin` (nginx: `proxy_set_header Origin`).',
  },
  'external-other-gateway': {
    whatHappened: 'The access URL leads to another gateway.',
    howToFix: 'Compare the address behind the proxy with that of this gateway.',
  },
  'external-other-site': {
    whatHappened: 'Something answers at the access URL, and it is no gateway.',
    howToFix: 'Correct the access URL, or the rule of the proxy for its path.',
  },
  'external-idle-cut': {
    whatHappened:
      'A connection that says nothing is cut before the gateway, which pings every 25 s, says something: dashboards reconnect again and again.',
    howToFix: 'nginx: `proxy_read_timeout 60s;` or longer; other proxies call it idle time-out.',
  },
};
