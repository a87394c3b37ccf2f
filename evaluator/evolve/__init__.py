"""Evolution engines search on this bench: studies, the scorer that stays warm, the folders that engines start from."""
