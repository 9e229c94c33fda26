"""An async message-moderation gateway: a proxy that answers allow, hold or block for each publish request."""
