CREATE TABLE [DataProtectionKeys] (
    [Id] int NOT NULL IDENTITY,
    [FriendlyName] nvarchar(max) NULL,
    [Xml] nvarchar(max) NULL,
    PRIMARY KEY ([Id])
);
-- read
SELECT TOP (10001) [Id], LEFT([Xml], 1048577) FROM [dbo].[DataProtectionKeys] WHERE DATALENGTH([Xml]) > 0 ORDER BY [Id]
-- add
INSERT INTO [dbo].[DataProtectionKeys] ([FriendlyName], [Xml]) VALUES (@p1, @p2)
-- lock

-- add if
INSERT INTO [dbo].[DataProtectionKeys] ([FriendlyName], [Xml]) SELECT @p1, @p2 WHERE (SELECT COUNT(*) FROM [dbo].[DataProtectionKeys] WITH (TABLOCKX, HOLDLOCK) WHERE DATALENGTH([Xml]) > 0) = @p3
