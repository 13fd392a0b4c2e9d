CREATE TABLE "DataProtectionKeys" (
    "Id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "FriendlyName" TEXT NULL,
    "Xml" TEXT NULL
);
-- read
SELECT "Id", substr("Xml", 1, 1048577) FROM "dbo"."DataProtectionKeys" WHERE "Xml" <> '' ORDER BY "Id" LIMIT 10001
-- add
INSERT INTO "dbo"."DataProtectionKeys" ("FriendlyName", "Xml") VALUES (?1, ?2)
-- lock

-- add if
INSERT INTO "dbo"."DataProtectionKeys" ("FriendlyName", "Xml") SELECT ?1, ?2 WHERE (SELECT count(*) FROM "dbo"."DataProtectionKeys" WHERE "Xml" <> '') = ?3
