"""Two hundred services in their own spelling, as accounts are named after them."""

# ruff: noqa: RUF001  (look-alikes of other scripts are the point)

from typing import Final

LATIN: Final = (
    "GitHub", "GitLab", "Bitbucket", "Codeberg", "SourceForge", "Google", "Microsoft", "Apple", "Amazon",
    "Amazon Web Services", "Azure", "Google Cloud", "DigitalOcean", "Hetzner", "OVHcloud",
    "Cloudflare", "Netlify", "Vercel", "Heroku", "Fly.io", "Namecheap", "GoDaddy",
    "IONOS", "Infomaniak", "Facebook", "Instagram", "WhatsApp", "X (Twitter)", "Mastodon",
    "Bluesky", "LinkedIn", "XING", "Reddit", "Discord", "Slack", "Telegram", "Signal", "Snapchat", "TikTok",
    "Pinterest", "Twitch", "YouTube", "Spotify", "Netflix", "Disney+", "Steam", "Epic Games",
    "Battle.net", "Ubisoft", "EA", "PlayStation Network", "Xbox", "Nintendo", "Rockstar Games", "GOG.com",
    "Roblox", "Minecraft", "PayPal", "Stripe", "Wise", "Revolut", "N26", "Klarna", "Coinbase", "Kraken",
    "Binance", "Bitpanda", "Interactive Brokers", "Dropbox", "Nextcloud", "Tresorit",
    "pCloud", "MEGA", "Proton", "Tuta", "Fastmail", "mailbox.org", "Posteo", "GMX", "WEB.DE",
    "Yahoo!", "1Password", "Bitwarden", "LastPass", "KeePassXC", "Keeper", "Salesforce",
    "Shopify", "WordPress.com", "Squarespace", "Zoom", "Notion", "Evernote",
    "Trello", "Asana", "Atlassian", "Jira", "Figma", "Adobe", "JetBrains", "npm",
    "PyPI", "RubyGems", "crates.io", "Docker", "Packagist", "Launchpad", "Debian", "Fedora", "Arch Linux",
    "openSUSE", "Grafana", "Sentry", "PagerDuty", "Datadog", "Home Assistant", "Synology", "QNAP", "UniFi",
    "MikroTik", "pfSense", "OPNsense", "Proxmox VE", "TrueNAS", "AVM FRITZ!Box", "eBay", "Etsy", "Zalando",
    "Airbnb", "Booking.com", "Uber", "Österreichische Post", "Raiffeisen Österreich", "Käuferportal", "Société Générale",
    "Crédit Agricole", "La Poste – Digiposte", "Itaú", "Nubank", "Česká spořitelna", "Allegro", "PKO Bank Polski",
    "Žabka", "Türkiye İş Bankası", "Ziraat Bankası", "Íslandsbanki", "Ålandsbanken", "SEB", "Nordea", "BankID",
    "Altinn", "Skatteetaten", "Sjóvá", "Việt Nam Airlines",
)  # fmt: skip

GREEK_AND_CYRILLIC: Final = (
    "Яндекс", "ВКонтакте", "Госуслуги", "Сбербанк", "Тинькофф", "Одноклассники", "Дія", "ПриватБанк", "Нова пошта",
    "Укрпошта", "Розетка", "Банка ДСК", "Халкбанк", "Тануки", "Εθνική Τράπεζα", "Τράπεζα Πειραιώς", "ΕΛΤΑ",
)  # fmt: skip

OTHER_SCRIPTS: Final = (
    "微信", "支付宝", "淘宝", "百度", "微博", "知乎", "楽天", "ヤフー", "メルカリ", "任天堂", "네이버", "카카오",
    "쿠팡", "בנק לאומי", "בנק הפועלים", "أبشر", "البنك الأهلي", "دیجی‌کالا", "भारतीय स्टेट बैंक", "ไทยพาณิชย์",
    "საქართველოს ბანკი", "Հայփոստ",
)  # fmt: skip

EMOJI: Final = ("🔒 Vault", "☁️ Cloud", "🏠 Home Assistant", "🎮", "👨‍👩‍👧 Family", "🇦🇹 ID Austria", "Café ☕")

SERVICE_NAMES: Final = LATIN + GREEK_AND_CYRILLIC + OTHER_SCRIPTS + EMOJI
