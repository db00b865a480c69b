"""Django settings. Everything that differs between machines comes from the environment."""

import json
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from exchange import public
from exchange.keys import read_or_make_keys
from exchange.running import read_urls

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR", BASE_DIR / "var"))

DEBUG = os.environ.get("DEBUG", "0") == "1"
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8000"))
SOCKET_PORT = int(os.environ.get("SOCKET_PORT", str(PORT + 1)))

# --- Servers -----------------------------------------------------------------------------------
# Without the environment's word, those that `make run` has started: so manage.py works beside it.
_running = {} if os.environ.get("DATABASE_URL") else read_urls(VAR_DIR)
DATABASE_URL = os.environ.get("DATABASE_URL") or _running.get("DATABASE_URL", "")
# The matcher's own connection: no pooler may stand in between (it holds a session lock).
MATCHER_DATABASE_URL = os.environ.get("MATCHER_DATABASE_URL", DATABASE_URL)
REDIS_URL = os.environ.get("REDIS_URL") or _running.get("REDIS_URL", "")


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "provex",
        "USER": unquote(parts.username or "postgres"),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": query.get("port") or parts.port or "",
        # 0: threads of the WSGI server come and go, and pools do the reuse.
        "CONN_MAX_AGE": 0,
        # A pooled connection is tried before it is handed out, so that a restart of PostgreSQL fails nobody's request.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": int(os.environ.get("DATABASE_POOL", "8")), "timeout": 10}},
    }


DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Keys --------------------------------------------------------------------------------------
# Made at first run under var/, unsafe for real funds; production gives them by the environment.
_keys = read_or_make_keys(VAR_DIR)
SECRET_KEY = os.environ.get("SECRET_KEY") or _keys["SECRET_KEY"]
# Encrypts API secrets at rest; the first encrypts, all decrypt.
ENCRYPTION_KEYS = (os.environ.get("ENCRYPTION_KEYS") or _keys["ENCRYPTION_KEYS"]).split(",")

# --- Apps --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "exchange",
    "accounts",
    "matching",
    "wallets",
    "orders",
    "rollup",
]
MIDDLEWARE = [
    # First: API requests go past all others.
    "accounts.api.lane.ApiLane",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "exchange.urls"
WSGI_APPLICATION = "exchange.wsgi.application"
ASGI_APPLICATION = "exchange.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Web ---------------------------------------------------------------------------------------
# The address that browsers see, like https://exchange.example; without it they are on this machine, by plain http.
# With https everything that follows from it is on: docs/runbook.md, "To the world".
_public = public.read_public_url(os.environ["PUBLIC_URL"]) if os.environ.get("PUBLIC_URL") else None
_public_origins = [_public.origin] if _public else []
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
ALLOWED_HOSTS += [_public.name] if _public else []
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin]
CSRF_TRUSTED_ORIGINS += _public_origins
if _public and _public.is_secure:
    globals().update(public.secure_settings(hsts_s=int(os.environ.get("HSTS_SECONDS", public.YEAR_S))))
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Hashed names need `manage.py collectstatic` before the start; without them whitenoise serves static/ and the apps.
STATIC_HASHED = os.environ.get("STATIC_HASHED", "1" if _public and _public.is_secure else "0") == "1"
WHITENOISE_USE_FINDERS = not STATIC_HASHED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "exchange.static_files.HashedFiles"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
# A larger body is refused with 413 before it is read whole.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

_sockets = _public.socket_origin if _public else f"ws://localhost:{SOCKET_PORT} ws://127.0.0.1:{SOCKET_PORT}"
# Where browsers find the socket, if not on SOCKET_PORT of the host that served the page.
SOCKET_PUBLIC_URL = os.environ.get("SOCKET_PUBLIC_URL") or (f"{_public.socket_origin}/ws/v1" if _public else "")
SOCKET_ORIGINS = (
    [o for o in os.environ.get("SOCKET_ORIGINS", "").split(",") if o]
    or _public_origins
    or [
        f"http://localhost:{PORT}",
        f"http://127.0.0.1:{PORT}",
    ]
)
# In each sockets process, from one address; behind a proxy that is not in TRUSTED_PROXIES all clients are one.
SOCKETS_PER_ADDRESS = int(os.environ.get("SOCKETS_PER_ADDRESS", "100"))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "connect-src": ["'self'", *os.environ.get("SOCKET_URLS", _sockets).split()],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
}

# --- Sign-in -----------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
globals().update(public.email_settings(os.environ.get("EMAIL_URL", "console:")))
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", f"no-reply@{_public.name if _public else 'localhost'}")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# --- Queues and sockets ------------------------------------------------------------------------
MATCHING_QUEUE = os.environ.get("MATCHING_QUEUE", "matching")
MATCHING_SNAPSHOTS = Path(os.environ.get("MATCHING_SNAPSHOTS", VAR_DIR / "snapshots"))
# A matcher whose clock differs by more from PostgreSQL's, or from what it was, does not lead.
MATCHING_CLOCK_OFF_MS_MAX = int(os.environ.get("MATCHING_CLOCK_OFF_MS_MAX", "1000"))
# How long a read waits for the read models to come to what it asks for.
READ_WAIT_MS = int(os.environ.get("READ_WAIT_MS", "250"))
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or _running.get("CELERY_BROKER_URL", REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A worker that was away for long must not find a heap of the same: what is older than its period is dropped.
CELERY_BEAT_SCHEDULE = {
    "clear-sessions": {"task": "exchange.tasks.clear_sessions", "schedule": 3600.0, "options": {"expires": 3600}},
    "send-pending-movements": {"task": "wallets.send_pending", "schedule": 10.0, "options": {"expires": 10}},
    "report-health": {"task": "exchange.tasks.report_health", "schedule": 5.0, "options": {"expires": 5}},
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# --- The chain ---------------------------------------------------------------------------------
# Without an address there is no rollup: deposits are made by hand, withdrawals carried out by an operator.
CHAIN_RPC_URL = os.environ.get("CHAIN_RPC_URL") or _running.get("CHAIN_RPC_URL", "")
# Of a development chain: where the number of the last block stands that a kill cannot take back (exchange.devchain).
CHAIN_KEPT_FILE = os.environ.get("CHAIN_KEPT_FILE") or _running.get("CHAIN_KEPT_FILE", "")
# Blocks that must stand on a block, itself included, before what it says is acted on.
CHAIN_CONFIRMATIONS = int(os.environ.get("CHAIN_CONFIRMATIONS") or (1 if CHAIN_KEPT_FILE else 12))
# The most that a transaction of ours offers for a unit of gas, in wei; while the chain asks more, it waits.
CHAIN_FEE_WEI_MAX = int(os.environ.get("CHAIN_FEE_WEI_MAX") or 500 * 10**9)
# One that so many blocks went by without offers an eighth more, though they asked no more than it offered.
CHAIN_FEE_BLOCKS = int(os.environ.get("CHAIN_FEE_BLOCKS") or 10)
# Where people look transactions up: what comes before the hash, like https://etherscan.io/tx/; without it there are
# no links.
CHAIN_EXPLORER_URL = os.environ.get("CHAIN_EXPLORER_URL", "")
# How large the rollup's trees and blocks are: a name of rollup.state.parameters.
ROLLUP_PARAMETERS = os.environ.get("ROLLUP_PARAMETERS") or _running.get("ROLLUP_PARAMETERS", "dev")
# How often the open block is closed although it has room.
ROLLUP_BLOCK_S = int(os.environ.get("ROLLUP_BLOCK_S", "60"))
# The largest withdrawal of each asset that goes to the chain without an operator's approval; others all need it.
WITHDRAWAL_APPROVAL_ABOVE = json.loads(
    os.environ.get("WITHDRAWAL_APPROVAL_ABOVE", '{"BTC": "1", "ETH": "20", "USDT": "50000"}')
)
# Transfers, and withdrawals, of one account in an hour where there is a chain: each takes slots of a block to prove.
MOVEMENTS_PER_HOUR = int(os.environ.get("MOVEMENTS_PER_HOUR", "120"))
# What anybody gets of test tokens when asking for them; nothing where the tokens are not ours to make.
TEST_FUNDS = json.loads(
    os.environ.get("TEST_FUNDS", '{"BTC": "1", "ETH": "10", "USDT": "50000"}' if CHAIN_KEPT_FILE else "{}")
)
if CHAIN_RPC_URL:
    # All transactions of the exchange are sent by the one worker of this queue.
    CELERY_BEAT_SCHEDULE["chain-round"] = {
        "task": "rollup.chain_round",
        "schedule": 1.0,
        "options": {"queue": "chain", "expires": 2},
    }
    CELERY_BEAT_SCHEDULE["settle-blocks"] = {
        "task": "rollup.settle",
        "schedule": 1.0,
        "options": {"queue": "chain", "expires": 2},
    }
    CELERY_BEAT_SCHEDULE["close-block"] = {
        "task": "rollup.close_block",
        "schedule": ROLLUP_BLOCK_S,
        "options": {"expires": ROLLUP_BLOCK_S},
    }
    CELERY_BEAT_SCHEDULE["dispatch-proving"] = {
        "task": "rollup.dispatch_proving",
        "schedule": 1.0,
        "options": {"expires": 2},
    }

# --- API ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
# Units and the window in seconds: orders (every write; a batch counts its items) for the whole exchange,
# other requests in each web process. "public" holds callers without a key, by address.
RATE_LIMITS = {
    "public": {"requests": (60_000, 10)},
    "standard": {"orders": (10_000, 10), "orders_today": (1_000_000, 86_400), "requests": (6_000, 10)},
    "maker": {"orders": (1_000_000, 10), "orders_today": (1_000_000_000, 86_400), "requests": (200_000, 10)},
}
# What an address may ask in a minute of the Binance dialect, by that dialect's weights (an order weighs 1).
BINANCE_WEIGHT_PER_MINUTE = int(os.environ.get("BINANCE_WEIGHT_PER_MINUTE", "60000"))
# Proxies whose X-Forwarded-For is believed, as networks.
TRUSTED_PROXIES = [network for network in os.environ.get("TRUSTED_PROXIES", "").split(",") if network]
SPECTACULAR_SETTINGS = {
    "TITLE": "Provex API",
    "DESCRIPTION": (
        "Trade on Provex over REST. Amounts and prices are decimal strings, times integer milliseconds.\n\n"
        "A signed request has the headers `PVX-KEY`, `PVX-TIMESTAMP` and `PVX-SIGN`: the lower-case hex HMAC-SHA256, "
        "under the key's secret, of three lines, each ended by a line feed (the timestamp, the method, the path with "
        "its query), and then the body as sent. `docs/api.md` has the whole of it, and an example in Python."
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    # The page's files come from our own static files, not from a CDN.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Fields of one name and different words; the rest are named after their field.
    "ENUM_NAME_OVERRIDES": {
        "OrderStatusEnum": "orders.api.schema.STATUSES",
        "DoneReasonEnum": "orders.api.schema.REASONS",
        "CanceledEnum": "orders.api.schema.ONLY_CANCELED",
        "OrderListKindEnum": "orders.requests.LIST_KINDS",
        "OrderListStatusEnum": "orders.api.list_schema.STATUSES",
        "KeyKindEnum": "accounts.kinds.KINDS",
        "BlockStatusEnum": "rollup.api.schema.BLOCK_STATUSES",
    },
}

# --- Provers -----------------------------------------------------------------------------------
# A worker that has not been heard of for so long has lost its block to the next one; it renews three times in between.
PROVING_LEASE_S = int(os.environ.get("PROVING_LEASE_S", "60"))
# Whoever takes longer than this for one block hangs.
PROVING_S_MAX = int(os.environ.get("PROVING_S_MAX", "1800"))
# The same of a prover elsewhere, of which only a token is known.
PROVING_OUTSIDE_S_MAX = int(os.environ.get("PROVING_OUTSIDE_S_MAX", "300"))
# Matching goes first: proofs take what is left of the processors. 0 where a prover has a machine of its own.
PROVER_NICENESS = int(os.environ.get("PROVER_NICENESS", "10"))
# How long a message to the queue `proving` lives, and how many are sent at a time: beat sends new ones every second.
PROVING_WAKE_S = 3
PROVING_MESSAGES_MAX = 16
# Provers elsewhere show one of these; without any the pull API is closed.
PROVER_TOKENS = [token for token in os.environ.get("PROVER_TOKENS", "").split(",") if token]

# --- Watching ----------------------------------------------------------------------------------
# With a token /metrics asks for it; without one it answers the loopback only.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
PROMETHEUS_MULTIPROC_DIR = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    # A client's 4xx is the client's affair and is counted in the metrics; ours are logged with their trace.
    "loggers": {"django.request": {"level": "ERROR"}},
}
